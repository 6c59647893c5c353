"""The tree of errors; each class is one exit code of the command line.

| class            | exit | meaning                                        |
|------------------|------|------------------------------------------------|
| UsageError       | 2    | an argument or option makes no sense            |
| UnsupportedError | 3    | the input was understood, but cannot be handled |
| InputError       | 3    | the input was not understood                    |
| ArtifactError    | 3    | a damaged, edited or foreign artefact           |
| FitError         | 4    | the network does not fit the target             |
| GateError        | 5    | a check failed (accuracy, equality)             |
| MismatchError    | 5    | two back ends gave different numbers            |
| BackendMissing   | 6    | a back end or dependency is not installed       |
| BackendFailed    | 6    | a back end was started and broke                |

A message says where, what, the numbers, the limit and what to do next.
"""

__all__ = [
    "ArtifactError",
    "BackendFailed",
    "BackendMissing",
    "FitError",
    "GateError",
    "InputError",
    "MismatchError",
    "NeurodeployError",
    "UnsupportedError",
    "UsageError",
]


class NeurodeployError(Exception):
    """Base of every error that is the user's to solve; `exit_code` is the process status."""

    exit_code = 1


class UsageError(NeurodeployError):
    """An argument, option or configuration value makes no sense."""

    exit_code = 2


class InputError(NeurodeployError):
    """A file, data set or model was not understood."""

    exit_code = 3


class UnsupportedError(InputError):
    """The input was understood but holds something that cannot be handled."""


class ArtifactError(InputError):
    """An artefact is damaged, truncated, edited or not one of ours."""


class FitError(NeurodeployError):
    """The network does not fit the limits of the target."""

    exit_code = 4


class GateError(NeurodeployError):
    """A check that the user asked for failed."""

    exit_code = 5


class MismatchError(GateError):
    """Two back ends gave different numbers for the same network and input."""


class BackendMissing(NeurodeployError):
    """A back end or a dependency is not installed."""

    exit_code = 6


class BackendFailed(BackendMissing):
    """A back end was started and broke while it ran."""
