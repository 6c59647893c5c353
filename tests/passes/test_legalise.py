from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from neurodeploy.chip import load_chip
from neurodeploy.errors import FitError
from neurodeploy.ir import Delay, Graph, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Note
from neurodeploy.passes import Legalise
from tests.nets import chain, chip_file, compiled, float_graph, rngs

LOIHI2 = load_chip("loihi2")


def legal(graph: Graph) -> tuple[Graph, list[Note]]:
    notes: list[Note] = []
    return Legalise(LOIHI2).apply(graph, notes), notes


def with_neurons(**changes: object) -> Graph:
    fields = {"du": 4096, "dv": 0, "bias_q": [0] * 5, "threshold_q": 100, "reset": "subtract"} | changes
    return chain().graph.replaced({"lif1": IntLIF((5,), **fields)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bias", "legal_bias"),
    [
        ([4095, -4095, 1, 0, 2], [4095, -4095, 1, 0, 2]),
        ([4096, 1, 2, 3, -3], [4096, 0, 2, 4, -4]),
        ([8190, 1, 0, 0, 0], [8190, 0, 0, 0, 0]),
        ([8191, 1, 2, 3, 6], [8192, 0, 0, 4, 8]),
        ([4095 << 7, -1, 64, 65, 192], [4095 << 7, 0, 0, 128, 256]),
    ],
)
def test_bias_grid(bias: list[int], legal_bias: list[int]) -> None:
    graph, notes = legal(with_neurons(bias_q=bias))
    assert graph.of(IntLIF)["lif1"].bias_q.tolist() == legal_bias
    assert (notes == []) == (bias == legal_bias)


@given(rngs())
def test_bias_is_a_mantissa_and_one_exponent(draw: np.random.Generator) -> None:
    bias = draw.integers(-(4095 << 7), (4095 << 7) + 1, 5) >> draw.integers(0, 12)
    found = legal(with_neurons(bias_q=bias))[0].of(IntLIF)["lif1"].bias_q
    exponent = next(e for e in range(8) if np.abs(bias).max() <= 4095 << e)
    assert not (found % (1 << exponent)).any()
    assert np.abs(found).max() <= 4095 << exponent
    assert np.abs(found - bias).max() <= (1 << exponent) // 2 if exponent else np.array_equal(found, bias)


def test_note_says_how_much_was_rounded() -> None:
    notes = legal(with_neurons(bias_q=[4095 << 3, 3, 5, 8, 0]))[1]
    assert notes == [Note("lif1", "2 of 5 biases rounded to multiples of 8, by up to 3")]


def test_bias_too_large() -> None:
    with pytest.raises(
        FitError, match=r"layer 'lif1': a bias becomes 524161, loihi2 holds at most 524160 \(1 times"
    ):
        legal(with_neurons(bias_q=[0, 0, 0, 0, -((4095 << 7) + 1)]))


def test_threshold_too_large() -> None:
    assert legal(with_neurons(threshold_q=8388607))[0].of(IntLIF)["lif1"].threshold_q == 8388607
    with pytest.raises(
        FitError, match="layer 'lif1': the threshold becomes 16777214, loihi2 holds at most 8388607"
    ):
        legal(with_neurons(threshold_q=16777214))


@pytest.mark.parametrize("range_", [(0, 1 << 31), (-(1 << 31), 5)])
def test_input_beyond_the_payload(range_: tuple[int, int]) -> None:
    with pytest.raises(
        FitError, match="layer 'in': inputs of up to 2147483648 do not fit 32 bits of payload"
    ):
        legal(chain().graph.replaced({"in": IntInput((6,), 1.0, *range_)}))
    assert legal(chain().graph.replaced({"in": IntInput((6,), 1.0, 0, (1 << 31) - 1)}))


def test_reset_that_the_chip_has_not(tmp_path: Path) -> None:
    chip = chip_file(
        tmp_path, ('resets = { value = ["subtract", "zero", "none"]', 'resets = { value = ["zero", "none"]')
    )
    with pytest.raises(FitError, match=r"^legalise: layer 'lif1': reset 'subtract' is not one of loihi2's "):
        compiled(target=chip)
    assert compiled(float_graph(reset="zero"), target=chip).neurons["lif1"].reset == "zero"


def test_the_graph_given_stays() -> None:
    graph = with_neurons(bias_q=[8191, 1, 2, 3, 6])
    legal(graph)
    assert graph.of(IntLIF)["lif1"].bias_q.tolist() == [8191, 1, 2, 3, 6]


@pytest.mark.parametrize(
    ("compare", "threshold", "stepped"),
    [("ge", 6465, 6464), ("gt", 6496, 6528), ("gt", 6497, 6528), ("ge", 3, 64), ("gt", 128, 128)],
)
def test_thresholds_in_steps(compare: str, threshold: int, stepped: int) -> None:
    notes: list[Note] = []
    graph = with_neurons(threshold_q=threshold, compare=compare)
    found = Legalise(LOIHI2, threshold_step=64).apply(graph, notes).of(IntLIF)["lif1"]
    assert (found.threshold_q.tolist(), found.compare) == (stepped, "gt")
    moved = abs(stepped - (threshold - (compare == "ge")))
    assert [note.what.split(" (")[0] for note in notes] == [
        f"fires above multiples of 64: moved by up to {moved}"
    ]
    assert legal(graph)[0].of(IntLIF)["lif1"].threshold_q == threshold


def test_a_readout_has_no_threshold_to_round() -> None:
    graph = with_neurons(threshold_q=0, reset="none")
    assert Legalise(LOIHI2, threshold_step=64).apply(graph, []) == graph


def loihi1(lif: IntLIF, low: int = 0) -> tuple[IntLIF, list[str]]:
    """Neurons as loihi1 gets them, and what was said."""
    ops = {"in": IntInput((2,), 1.0, low, 1), "fc": IntDense(np.ones((2, 2)), 0), "lif": lif, "out": Output()}
    notes: list[Note] = []
    found = Legalise(load_chip("loihi1")).apply(Graph(ops, list(pairwise(ops))), notes).op("lif")
    assert isinstance(found, IntLIF)
    return found, [str(note) for note in notes]


def test_loihi1_fires_above_multiples_of_64() -> None:
    legal, said = loihi1(IntLIF((2,), 4096, 0, 0, 64 * 10 + 5, "zero", "ge"))
    assert (int(legal.threshold_q), legal.compare) == (640, "gt")
    assert said == ["lif: fires above multiples of 64: moved by up to 4 (0.62 %)"]
    assert loihi1(legal)[0] == legal


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"refractory": 64}, "a refractory time of 64 steps; loihi1 has at most 63")],
)
def test_what_loihi1_has_not(fields: dict[str, int], message: str) -> None:
    with pytest.raises(FitError, match=message):
        loihi1(IntLIF((2,), 4096, 0, 0, 640, "zero", "gt", **fields))  # type: ignore[arg-type]


def test_decays_of_other_chips() -> None:
    ops = {"in": IntInput((2,), 1.0, 0, 1), "fc": IntDense(np.ones((2, 2)), 0), "out": Output()}

    def legal(chip: str, du: int, dv: int) -> None:
        lif = IntLIF((2,), du, dv, 0, 640, "subtract")
        graph = Graph({**ops, "lif": lif}, [("in", "fc"), ("fc", "lif"), ("lif", "out")])
        Legalise(load_chip(chip)).apply(graph, [])

    legal("speck2f", 4096, 0)
    legal("xylo-a2", 2048, 512)
    with pytest.raises(
        FitError, match="dv 100/4096 is not a decay of speck2f, which has neither a leak of v"
    ):
        legal("speck2f", 4096, 100)
    with pytest.raises(FitError, match=r"dv 100/4096 is not a decay of xylo-a2, which has 4096/2\^k"):
        legal("xylo-a2", 4096, 100)


def test_delays_that_are_too_long() -> None:
    ops = {
        "in": IntInput((2,), 1.0, 0, 1),
        "late": Delay((2,), 64, "value"),
        "fc": IntDense(np.ones((2, 2)), 0),
    }
    every = {**ops, "lif": IntLIF((2,), 4096, 0, 0, 640, "zero"), "out": Output()}
    with pytest.raises(FitError, match="layer 'late': a delay of 64 steps; loihi2 has at most 63"):
        Legalise(LOIHI2).apply(Graph(every, list(pairwise(every))), [])


def test_binary_input_fits_spikes_without_payload() -> None:
    assert loihi1(IntLIF((2,), 4096, 0, 0, 640, "zero", "gt"))[1] == [
        "lif: fires above multiples of 64: moved by up to 0 (0 %)"
    ]
    with pytest.raises(FitError, match="spikes of loihi1 are binary: give event data or binary pixels"):
        loihi1(IntLIF((2,), 4096, 0, 0, 640, "zero", "gt"), low=-2)
