from __future__ import annotations

import inspect

from neurodeploy import errors


def test_every_class_has_its_exit_code() -> None:
    found = {name: getattr(errors, name).exit_code for name in errors.__all__}
    assert found == {
        "ArtifactError": 3,
        "BackendFailed": 6,
        "BackendMissing": 6,
        "FitError": 4,
        "GateError": 5,
        "InputError": 3,
        "MismatchError": 5,
        "NeurodeployError": 1,
        "UnsupportedError": 3,
        "UsageError": 2,
    }


def test_one_tree() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass)]
    assert all(issubclass(c, errors.NeurodeployError) for c in classes)
    assert sorted(c.__name__ for c in classes) == sorted(errors.__all__)
