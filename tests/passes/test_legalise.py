from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from neurodeploy.chip import load_chip
from neurodeploy.errors import FitError
from neurodeploy.ir import Graph, IntInput, IntLIF
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
    chip = chip_file(tmp_path, ('resets = ["subtract", "zero", "none"]', 'resets = ["zero", "none"]'))
    with pytest.raises(FitError, match=r"^legalise: layer 'lif1': reset 'subtract' is not one of loihi2's "):
        compiled(target=chip)
    assert compiled(float_graph(reset="zero"), target=chip).neurons["lif1"].reset == "zero"


def test_the_graph_given_stays() -> None:
    graph = with_neurons(bias_q=[8191, 1, 2, 3, 6])
    legal(graph)
    assert graph.of(IntLIF)["lif1"].bias_q.tolist() == [8191, 1, 2, 3, 6]
