"""Without an optional package: exit code 6 and the command that installs it, or a result without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.frontends.nir.files import affine, chain, lif
from tests.robustness.process import Ended, artifact_file, data_file, environment

BLOCKER = """
import sys
blocked = set(sys.argv[1].split(","))

class Without:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in blocked else self.finder.find_spec(name, path, target)

sys.meta_path = [Without(finder) for finder in sys.meta_path]
from neurodeploy.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


def without(packages: str, *arguments: object) -> Ended:
    """The command line in a process that cannot import these packages."""
    command = [sys.executable, "-c", BLOCKER, packages, *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("package", "command", "install"),
    [
        (
            "torch",
            "train --model mlp:64-8-10 --data DATA --rule ottt-a --steps 2 -o NEW",
            "pip install torch",
        ),
        ("torch", "compile FOLDER -o ARTEFACT", "pip install torch"),
        ("h5py", "compile NIR --from norse --steps 2 -o ARTEFACT", "pip install 'neurodeploy[nir]'"),
        ("h5py", "export NET --to nir -o NEW", "pip install 'neurodeploy[nir]'"),
        ("onnxruntime", "run NET --data DATA --backend onnxruntime", "pip install onnxruntime"),
        ("torch", "run NET --data DATA --backend torch", "pip install torch"),
        ("sklearn", "run NET --data digits --backend onnxruntime", "pip install 'scikit-learn"),
        (
            "joblib",
            "quantize NIR --data DATA --calibrate DATA --from norse --steps 2 --jobs 2",
            "pip install",
        ),
    ],
)
def test_says_how_to_install(tmp_path: Path, package: str, command: str, install: str) -> None:
    made = {
        "DATA": data_file(tmp_path),
        "NET": artifact_file(tmp_path),
        "NIR": chain(tmp_path / "m.nir", (64,), (10,), fc=affine([[1e3] * 64] * 10), lif=lif(10)),
        "NEW": tmp_path / "new",
        "ARTEFACT": tmp_path / "new.onnx",
        "FOLDER": tmp_path,
    }
    ended = without(package, *(made.get(word, word) for word in command.split()))
    assert (ended.code, ended.out) == (6, ""), ended.err
    assert install in ended.err.splitlines()[-1]
    assert not list(tmp_path.glob("new*"))


EXTRAS = "torch,lava,onnxruntime,h5py,nir,matplotlib,jinja2,sklearn,joblib,tonic,tensorboard,numba,scipy"


def test_what_needs_none_of_them(tmp_path: Path) -> None:
    net, data = artifact_file(tmp_path), data_file(tmp_path)
    for command in (["targets"], ["run", net, "--data", data], ["inspect", net]):
        ended = without(EXTRAS, *command)
        assert ended.code == 0, ended.err
