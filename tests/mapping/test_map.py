from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from neurodeploy.artifact import from_bytes, to_bytes
from neurodeploy.chip import Chip, load_chip
from neurodeploy.cost import in_order, measured_cost
from neurodeploy.data import Dataset
from neurodeploy.errors import ArtifactError, FitError, UnsupportedError, UsageError
from neurodeploy.mapping import Mapping, map_network, measured_activity, stored_placement
from neurodeploy.mapping.drawing import to_svg
from neurodeploy.mapping.store import mapped
from neurodeploy.network import Network
from neurodeploy.resources import Layers, Resources, layers, out_axons
from tests.cost.nets import events, mlp
from tests.resources.nets import conv, full

LOIHI1, LOIHI2 = load_chip("loihi1"), load_chip("loihi2")


def check(found: Mapping, network: Layers, chip: Chip) -> None:
    """Every neuron once, every resource of every core within its limit, counted by the plain rule."""
    resources = Resources(network, chip)
    parts = {name: [part for _, part in found.placement.parts(name)] for name in network.neurons}
    for name, layer in network.neurons.items():
        seen = np.zeros(layer.shape, int)
        for part in parts[name]:
            seen[part.slices] += 1
        assert (seen == 1).all(), name
    for core in found.cores:
        held = found.placement.cores[core.core]
        use = resources.core(held, sum(out_axons(resources, part, parts) for part in held))
        assert use.fits, use.binding
        assert core.share == use.binding.share
    per_chip = [core.chip for core in found.cores]
    assert max(per_chip.count(one) for one in set(per_chip)) <= chip.chip.cores.value


@pytest.mark.parametrize("chip", [LOIHI1, LOIHI2])
@pytest.mark.parametrize(
    "graph",
    [full(300, 900, 700, 10), conv(np.full((24, 6, 3, 3), 9), (6, 24, 24)), full(20, 30, reset="subtract")],
)
@pytest.mark.parametrize("objective", ["edp", "cores"])
def test_every_core_holds_what_it_can(graph, chip: Chip, objective) -> None:  # type: ignore[no-untyped-def]
    network = layers(graph)
    check(map_network(network, chip, objective=objective), network, chip)


def test_small_layers_share_a_core() -> None:
    found = map_network(layers(full(20, 30, 20, 10)), LOIHI1, objective="cores")
    assert [core.parts for core in found.cores] == [("lif1", "lif2", "lif3")]
    assert found.links == ()


@pytest.mark.parametrize("chip", [LOIHI1, LOIHI2])
def test_less_energy_times_delay_than_fewest_cores(chip: Chip) -> None:
    network = mlp((400, 800, 300, 10))
    stimulus, described = events(network, 2), layers(network.graph)
    activity = measured_activity(network, stimulus)
    placements = [map_network(described, chip, activity, objective=o).placement for o in ("edp", "cores")]  # type: ignore[arg-type]
    edp = [
        measured_cost(network, chip, stimulus, placement=p)[1].edp
        for p in (*placements, in_order(described, chip))
    ]
    assert None not in edp
    assert edp[0] < 0.7 * edp[1]  # type: ignore[operator]
    assert edp[0] < 0.7 * edp[2]  # type: ignore[operator]


def test_expected_time_is_that_of_constant_activity() -> None:
    """All inputs and neurons active in every step: the expectation is exact but for the first and last steps."""
    network = mlp((50, 60, 10), weight=60)
    x = np.ones((network.steps, 1, 50), np.int64)
    stimulus = replace(events(network, 1), x=x)
    found = map_network(layers(network.graph), LOIHI1, measured_activity(network, stimulus))
    counted, cost = measured_cost(network, LOIHI1, stimulus, placement=found.placement)
    assert cost.seconds is not None
    assert cost.seconds / counted.steps == pytest.approx(found.seconds, rel=0.3)
    assert cost.dynamic_joules is not None and cost.static_joules is not None
    joules = cost.dynamic_joules + cost.static_joules
    assert joules / counted.steps == pytest.approx(found.joules, rel=0.35)


def small_chip(cores: int) -> Chip:
    few = msgspec.structs.replace(LOIHI1.chip.cores, value=cores)
    two = msgspec.structs.replace(LOIHI1.boards["kapoho-bay"], value=3)
    limits = msgspec.structs.replace(LOIHI1.chip, cores=few)
    return msgspec.structs.replace(LOIHI1, chip=limits, boards={"triple": two})


def test_several_chips() -> None:
    network, chip = layers(full(784, 800, 800, 10)), small_chip(8)
    found = map_network(network, chip, board="triple", objective="cores")
    check(found, network, chip)
    assert (found.chips, found.placement.chips) == (2, 2)
    assert 0 < found.crossings < found.packets
    assert found.unknown == ("costs.energy.link",)
    with pytest.raises(FitError, match=r"needs at least \d+ cores even when layers share cores, 2 chips"):
        map_network(network, chip)


def test_packets_between_chips_have_their_price() -> None:
    network, chip = layers(full(784, 800, 800, 10)), small_chip(8)
    free = map_network(network, chip, board="triple", objective="cores")
    link = msgspec.structs.replace(chip.costs.energy.link, value=1e-9, grade="approx")
    energy = msgspec.structs.replace(chip.costs.energy, link=link)
    dear = msgspec.structs.replace(chip, costs=msgspec.structs.replace(chip.costs, energy=energy))
    found = map_network(network, dear, board="triple", objective="cores")
    assert (found.placement, found.unknown) == (free.placement, ())
    assert found.joules == pytest.approx(free.joules + 1e-9 * free.crossings, rel=1e-12)


def test_more_chips_than_needed_only_where_their_cost_is_public() -> None:
    """Loihi 1 publishes the power of a chip and the barrier between chips, Loihi 2 neither."""
    network, chip = layers(full(784, 800, 800, 10)), small_chip(8)
    fewest, found = (map_network(network, chip, board="triple", objective=o) for o in ("cores", "edp"))  # type: ignore[arg-type]
    assert found.chips == 3 > fewest.chips
    assert found.edp < fewest.edp
    unknown = msgspec.structs.replace(chip.costs.energy, static_power=LOIHI2.costs.energy.static_power)
    costs = msgspec.structs.replace(chip.costs, energy=unknown)
    silent = map_network(network, msgspec.structs.replace(chip, costs=costs), board="triple")
    assert silent.chips == 2
    assert "costs.energy.static_power" in silent.unknown


def test_what_is_not_public_is_named() -> None:
    network = layers(full(20, 30, 10))
    assert map_network(network, LOIHI1).unknown == ()
    assert map_network(network, LOIHI2).to_dict()["unknown"] == ["costs.energy.static_power"]
    speck = map_network(layers(conv(np.ones((8, 2, 3, 3)), (2, 34, 34))), load_chip("speck2f"))
    assert speck.unknown == ("costs.energy", "costs.latency")


def test_clipped_values_are_in_the_note() -> None:
    network = mlp((40, 60, 10))
    x = np.zeros((3, 40), np.float32)
    x[0, :7] = 9
    kept = mapped(network, LOIHI1, None, Dataset("made", "all", "made", x, None, 0, False, "drawn", "none"))
    assert "7 of their 120 values were clipped to the input's range" in kept.notes[-1].what


def test_the_chips_of_a_placement_cost_static_power_each() -> None:
    network, chip = mlp((784, 800, 800, 10)), small_chip(8)
    found = map_network(layers(network.graph), chip, board="triple")
    _, cost = measured_cost(network, chip, events(network, 1), placement=found.placement)
    assert cost.seconds is not None and cost.static_joules is not None
    assert cost.chips == found.chips
    assert cost.static_joules == pytest.approx(found.chips * 0.1044 * cost.seconds)
    assert "contention on the links between chips" in cost.not_modelled
    assert cost.unknown == ("costs.energy.link",)


@pytest.mark.parametrize(
    ("graph", "chip", "board", "error", "message"),
    [
        (
            full(5000, 10),
            LOIHI1,
            None,
            FitError,
            "one neuron alone needs 5000 in axons; a core of loihi1 has 4096",
        ),
        (full(10, 40000), small_chip(4), "triple", FitError, "there are 12|does not fit 12 cores of loihi1"),
        (
            full(10, 10),
            LOIHI1,
            "hala-point",
            UsageError,
            "loihi1 has no board 'hala-point'; there is kapoho-bay",
        ),
        (full(10, 10), load_chip("xylo-a2"), "x", UsageError, "xylo-a2 has no board 'x'; there is none"),
        (full(17, 10), load_chip("xylo-a2"), None, FitError, "needs 17 inputs; xylo-a2 has 16"),
    ],
)
def test_refuses(graph, chip: Chip, board: str | None, error: type[Exception], message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        map_network(layers(graph), chip, board=board)


def test_whole_layers_on_speck_and_xylo() -> None:
    speck, network = load_chip("speck2f"), layers(conv(np.ones((8, 2, 3, 3)), (2, 34, 34)))
    found = map_network(network, speck)
    assert sorted(core.parts for core in found.cores) == [("end",), ("lif",)]
    assert speck.cores is not None
    (first,) = [core.core for core in found.cores if core.parts == ("lif",)]
    assert speck.cores.kernel_words.value[first] >= 2 << 7
    xylo = map_network(layers(full(16, 63, 8)), load_chip("xylo-a2"))
    assert [core.parts for core in xylo.cores] == [("lif1", "lif2")]


def test_the_artefact_keeps_it_byte_for_byte(tmp_path: Path) -> None:
    network = mlp((40, 600, 10))
    kept = mapped(network, LOIHI1)
    content = to_bytes(kept)
    assert content == to_bytes(mapped(network, LOIHI1))
    again = from_bytes(content)
    assert stored_placement(again, "loihi1") == map_network(layers(network.graph), LOIHI1).placement
    assert stored_placement(again, "loihi2") is None
    assert stored_placement(network, "loihi1") is None
    assert "mapped to" in again.notes[-1].what
    assert again.notes[-1].what.endswith("assumed: 0.1 spikes a neuron and step")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cores": []}, "600 of 600 neurons"),
        ({"rows": None}, "damaged"),
        ({"rows": 0}, "0 rows"),
        ({"columns": -1}, "-1 columns"),
        ({"cores_per_tile": 0}, "0 cores a tile"),
        (
            {"cores": [{"core": 0, "parts": [["lif1", [[0, 5]]]]}]},
            "595 of 600 neurons of layer 'lif1'",
        ),
        (
            {"cores": [{"core": 0, "parts": [["lif1", [[0, 601]]]]}]},
            "neurons that layer 'lif1' does not have",
        ),
        ({"cores": [{"core": 0, "parts": [["lif9", [[0, 5]]]]}]}, "damaged: KeyError"),
        ({"cores": [{"core": 1 << 40, "parts": []}]}, "600 of 600 neurons"),
        (
            {"cores": [{"core": 1 << 40, "parts": [["lif1", [[0, 600]]], ["lif2", [[0, 10]]]]}]},
            "numbers cores 1099511627776..1099511627776",
        ),
    ],
)
def test_a_damaged_record_is_refused(change: dict[str, object], message: str) -> None:
    kept: Network = mapped(mlp((40, 600, 10)), LOIHI1)
    wrong = {**kept.provenance, "mapping": {**kept.provenance["mapping"], **change}}
    with pytest.raises(ArtifactError, match=message):
        stored_placement(replace(kept, provenance=wrong), "loihi1")


def test_drawing() -> None:
    found = map_network(layers(full(300, 900, 10)), LOIHI1)
    text = to_svg(found.to_dict())
    assert text.count("<title>core ") == len(found.cores)
    assert text.startswith("<svg") and text == to_svg(found.to_dict())
    assert "lif1 0.." in text


def test_a_chip_without_mesh_takes_no_board() -> None:
    speck = load_chip("speck2f")
    one = msgspec.structs.replace(LOIHI1.boards["kapoho-bay"])
    with pytest.raises(UnsupportedError, match="no mesh of equal cores to spread over 2 chips"):
        map_network(layers(full(10, 10)), msgspec.structs.replace(speck, boards={"two": one}), board="two")
