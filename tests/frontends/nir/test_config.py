"""What is asked for, who may say it, and what is recorded."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.frontends.model import Model, Reading, open_model
from neurodeploy.frontends.nir import PRESETS, NirConfig, open_nir
from neurodeploy.ir import LIF
from tests.frontends.nir.files import affine, chain, lif, neurons

CUBA = {
    "tau_mem": 4.0,
    "tau_syn": 2.0,
    "r": 1.0,
    "v_leak": 0.0,
    "v_threshold": 1.0,
    "v_reset": 0.0,
    "w_in": 1.0,
}


def spiking(path: Path, kind: str = "LIF") -> Path:
    fields = {
        "LIF": lif(2),
        "CubaLIF": neurons("CubaLIF", 2, CUBA),
        "IF": neurons("IF", 2, {"r": 1, "v_threshold": 1}),
    }
    return chain(path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=fields[kind])


def test_everything_that_is_open_is_asked_for_at_once(tmp_path: Path) -> None:
    path = spiking(tmp_path)
    with pytest.raises(UnsupportedError) as caught:
        open_nir(path)
    assert str(caught.value) == (
        f"{path}: node 'lif' (LIF): NIR does not say its dt, integration, reset, reset_timing, comparison, spikes, "
        "clamp. "
        "Say --set nir.dt=SECONDS --set nir.integration=euler|exp --set nir.reset=zero|subtract "
        "--set nir.reset_timing=same|next --set nir.comparison=gt|ge --set nir.spikes=one|many "
        "--set nir.clamp=none|MULTIPLE, or where the file comes from: "
        "--from snntorch|spikingjelly|norse|norse-1.1|sinabs|rockpool|lava-dl"
    )


@pytest.mark.parametrize(
    ("kind", "said", "asked"),
    [
        ("LIF", {"integration": "exp"}, "dt, gain, reset, reset_timing, comparison, spikes, clamp"),
        ("LIF", {"reset": "zero"}, "dt, integration, reset_timing, comparison, clamp"),
        ("IF", {"reset": "subtract"}, "if_convention, comparison, spikes, clamp"),
        ("IF", {"reset": "zero", "if_convention": "dt"}, "dt, reset_timing, comparison, clamp"),
        ("CubaLIF", {"reset": "zero"}, "dt, integration, current_order, reset_timing, comparison, clamp"),
        (
            "CubaLIF",
            {"reset": "zero", "integration": "exp"},
            "dt, gain, synapse_gain, current_order, reset_timing, comparison, clamp",
        ),
    ],
)
def test_only_what_matters_is_asked_for(tmp_path: Path, kind: str, said: dict[str, str], asked: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"NIR does not say its {asked}\. Say"):
        open_nir(spiking(tmp_path, kind), None, NirConfig(**said))  # type: ignore[arg-type]


def test_rest_and_reset_away_from_zero_ask_for_the_start(tmp_path: Path) -> None:
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=lif(2, v_reset=-0.5))
    with pytest.raises(
        UnsupportedError, match=r"NIR does not say its initial. Say --set nir.initial=zero|leak|reset, or"
    ):
        open_nir(path, None, msgspec.structs.replace(PRESETS["spikingjelly"], initial=None, dt=1.0))


def test_spinnaker2_leaves_open_what_is_not_known_of_it(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"NIR does not say its dt, current_order, comparison\. Say"):
        open_nir(spiking(tmp_path, "CubaLIF"), "spinnaker2")


def test_settings_stand_before_the_preset(tmp_path: Path) -> None:
    model = open_nir(spiking(tmp_path), "snntorch", NirConfig(dt=1.0, reset="zero"))
    assert model.imported.graph.op("lif") == LIF((2,), 0.75, 1.0, "zero", "gt")
    notes = [str(note) for note in model.imported.notes]
    assert "lif: nir.reset is zero; NIR leaves it open (--set nir.reset)" in notes
    assert "lif: nir.comparison is gt; NIR leaves it open (preset snntorch)" in notes


def test_reset_of_snntorch_by_class(tmp_path: Path) -> None:
    said = NirConfig(dt=1.0, reset="zero")
    assert [
        open_nir(spiking(tmp_path, kind), "snntorch", said).imported.graph.op("lif").refractory  # type: ignore[attr-defined]
        for kind in ("LIF", "CubaLIF")
    ] == [0, 1]


def test_rule_of_snntorch_that_no_setting_says_is_noted(tmp_path: Path) -> None:
    model = open_nir(spiking(tmp_path), "snntorch", NirConfig(dt=1.0, reset_timing="same"))
    assert "is read as a plain reset by subtraction; snnTorch's fires less often" in str(
        model.imported.notes[-1]
    )


def test_unknown_preset() -> None:
    with pytest.raises(
        UsageError, match=r"--from brian: a .nir file is read with --from snntorch, spikingjelly, norse"
    ):
        open_nir("n.nir", "brian")


@pytest.mark.parametrize("name", PRESETS)
def test_presets_read_a_plain_net(tmp_path: Path, name: str) -> None:
    missing = {"dt": 1.0, "comparison": "gt"} if name == "spinnaker2" else {}
    node = lif(2, tau=30.0, r=1.0, v_reset=None)
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=node)
    model = open_nir(path, name, NirConfig(**missing))  # type: ignore[arg-type]
    assert isinstance(model, Model)
    assert model.read(None, None).graph.of(LIF)


def test_through_the_command_line(tmp_path: Path) -> None:
    path = str(spiking(tmp_path))
    model = open_model(path, Reading("norse", {"nir": {"dt": 1, "clamp": -1}}))
    assert model.read(None, 5).graph.op("lif") == LIF((2,), 0.75, 1.0, "zero", "gt", v_min=-1.0)
    with pytest.raises(UsageError, match=r"--set nir: Invalid enum value 'maybe' - at `\$.reset`"):
        open_model(path, Reading("norse", {"nir": {"reset": "maybe"}}))
    with pytest.raises(UsageError, match=r"--set nir: Object contains unknown field `speed`"):
        open_model(path, Reading("norse", {"nir": {"speed": 1}}))


def test_presets_are_those_of_the_documentation() -> None:
    lines = (Path(__file__).parents[3] / "docs" / "nir.md").read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    (keys,) = (row[1:] for row in rows if row[0] == "`--from`")
    documented = {row[0]: dict(zip(keys, row[1:], strict=True)) for row in rows if row[0] in PRESETS}
    for name, preset in PRESETS.items():
        said = {
            k: f"{v:g}" if isinstance(v, float) else v for k, v in msgspec.structs.asdict(preset).items() if v
        }
        assert said.pop("clamp") == "none"
        assert {k: v for k, v in documented[name].items() if v} == said


def test_every_setting_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "nir.md").read_text("utf-8")
    assert all(f"\n| {key} | " in text for key in NirConfig.__struct_fields__)
