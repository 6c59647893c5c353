"""The spiking network against the ANN: exact where theory says so, close where it says that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.frontends.onnx_ann import AnnConfig, OnnxAnn
from neurodeploy.frontends.onnx_ann.builder import Ann
from neurodeploy.frontends.onnx_ann.convert import Spiking, convert
from neurodeploy.frontends.onnx_ann.evaluate import activations
from neurodeploy.frontends.onnx_ann.fold import fold
from neurodeploy.frontends.onnx_ann.scales import least_squares, spike_scales
from neurodeploy.ir import LIF, AveragePool, Conv, Graph, MaxPool, Readout, Scale
from neurodeploy.ir.interpreter import interpret
from tests.frontends.onnx_ann.files import Array, File, NodeSpec, images, normal, residual

EXACT = AnnConfig(percentile="max", correct=0)


def outputs(graph: Graph, x: Array, steps: int) -> Array:
    """Mean output of T steps, `(N, *out)`."""
    result = interpret(graph, x, steps, dtype=np.float64)
    return result.membrane[result.output][-1] / steps


def ann_output(model: OnnxAnn, x: Array) -> Array:
    return activations(model.ann.graph, x, frozenset({model.ann.output}))[model.ann.output]


def test_a_layer_renders_what_theory_says(tmp_path: Path) -> None:
    """lambda s / T = clip(round(T a / lambda), 0, T) lambda / T for a constant current a."""
    weight = normal(5, 40)
    file = File((5,), [("MatMul", ["x", "w"], "p"), ("Relu", ["p"], "y")], {"w": weight})
    x = images(5, samples=30) - np.float32(0.5)
    steps, scale = 16, 1.7
    ann = fold(file.open(tmp_path).ann)
    graph, _ = convert(ann.graph, ann.output, Spiking({"y": np.asarray(scale)}))
    (neurons,) = graph.of(LIF).values()
    assert (neurons.decay, neurons.threshold, neurons.initial) == (1.0, scale, scale / 2)
    assert (neurons.reset, neurons.compare) == ("subtract", "ge")
    spikes = interpret(graph, x, steps, dtype=np.float64).spikes["y"].sum(axis=0)
    a = x.astype(np.float64) @ weight.astype(np.float64)
    np.testing.assert_array_equal(spikes, np.clip(np.floor(steps * a / scale + 0.5), 0, steps))


@pytest.mark.parametrize("per", ["layer", "channel"])
def test_residual_network_comes_near_the_ann(per: str, tmp_path: Path) -> None:
    x = images(1, 4, 4, samples=40)
    model = residual().open(tmp_path, AnnConfig(percentile="max", per=per, correct=0))  # type: ignore[arg-type]
    wanted, size = ann_output(model, x), np.abs(ann_output(model, x)).max()
    errors = [np.abs(outputs(model.read(x, t).graph, x, t) - wanted).max() / size for t in (8, 64, 512)]
    assert errors[2] < 0.01
    assert errors[2] < errors[1] / 2 < errors[0] / 4


def test_branches_of_a_sum_have_one_scale(tmp_path: Path) -> None:
    graph = residual().open(tmp_path, EXACT).read(images(1, 4, 4), 8).graph
    (shortcut,) = graph.of(Scale)
    lif = graph.of(LIF)
    assert graph.sources("sum") == ("c2", shortcut)
    assert graph.sources(shortcut) == ("r1",)
    assert graph.op(shortcut).scale == lif["r1"].threshold  # type: ignore[attr-defined]
    assert graph.users("sum") == ("r2",)
    assert lif["r2"].threshold <= 6.0
    (readout,) = graph.of(Readout).values()
    assert readout.decay == 1.0


def network(shape: tuple[int, ...], nodes: list[NodeSpec], **constants: Array) -> File:
    return File(shape, nodes, constants)


GROUPED = network(
    (2, 4, 4),
    [
        ("Conv", ["x", "w"], "a"),
        ("Relu", ["a"], "r"),
        ("Conv", ["r", "v"], "b", {"group": 2}),
        ("Relu", ["b"], "s"),
        ("Flatten", ["s"], "f"),
        ("MatMul", ["f", "u"], "y"),
    ],
    w=normal(4, 2, 1, 1),
    v=normal(6, 2, 3, 3),
    u=normal(24, 3),
)
JOINED = network(
    (2, 4, 4),
    [
        ("Conv", ["x", "w"], "a"),
        ("Relu", ["a"], "r"),
        ("Conv", ["r", "v"], "b"),
        ("Relu", ["b"], "s"),
        ("Mul", ["r", "half"], "h"),
        ("Concat", ["r", "s"], "rs", {"axis": 1}),
        ("Concat", ["rs", "h"], "rsh", {"axis": 1}),
        ("Conv", ["rsh", "t"], "c"),
        ("Relu", ["c"], "d"),
        ("GlobalAveragePool", ["d"], "y"),
    ],
    w=normal(4, 2, 1, 1),
    v=normal(4, 4, 1, 1),
    t=normal(3, 12, 1, 1),
    half=np.float32(-0.5),
)
NORMALIZED_FIRST = network(
    (2, 4, 4),
    [
        ("Relu", ["x"], "r"),
        ("BatchNormalization", ["r", "g", "b", "m", "v"], "n"),
        ("Relu", ["n"], "s"),
        ("Add", ["r", "s"], "a"),
        ("Relu", ["a"], "t"),
        ("Flatten", ["t"], "f"),
        ("Clip", ["f", "low", "high"], "c"),
        ("MatMul", ["c", "w"], "y"),
    ],
    **{name: np.abs(normal(2)) + np.float32(0.2) for name in "gbmv"},
    low=np.float32(0),
    high=np.float32(0.7),
    w=normal(32, 3),
)


@pytest.mark.parametrize(
    "file", [GROUPED, JOINED, NORMALIZED_FIRST], ids=["grouped", "joined", "normalized-first"]
)
@pytest.mark.parametrize("per", ["layer", "channel"])
def test_other_structures_come_near_the_ann(file: File, per: str, tmp_path: Path) -> None:
    x = images(*file.shape, samples=20) - np.float32(0.3)
    model = file.open(tmp_path, AnnConfig(percentile="max", per=per, correct=0))  # type: ignore[arg-type]
    graph = model.read(x, 400).graph
    wanted = ann_output(model, x)
    assert np.abs(outputs(graph, x, 400) - wanted).max() < 0.02 * np.abs(wanted).max()


def test_output_behind_a_relu_stays_spikes(tmp_path: Path) -> None:
    file = network((5,), [("MatMul", ["x", "w"], "p"), ("Relu", ["p"], "y")], w=normal(5, 4))
    graph = file.open(tmp_path, EXACT).read(images(5), 4).graph
    assert graph.types[graph.output].signal == "spike"


POOLED = network(
    (1, 4, 4),
    [
        ("Conv", ["x", "w"], "c", {"pads": [1, 1, 1, 1]}),
        ("MaxPool", ["c"], "m", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Relu", ["m"], "r"),
        ("Relu", ["r"], "again"),
        ("Flatten", ["again"], "f"),
        ("MatMul", ["f", "u"], "y"),
    ],
    w=normal(3, 1, 3, 3),
    u=normal(12, 3),
)


def test_max_pool_must_be_asked_for(tmp_path: Path) -> None:
    x = images(1, 4, 4)
    with pytest.raises(UnsupportedError, match=r"layer 'm': the largest of .* by --set ann.max_pool=spikes"):
        POOLED.open(tmp_path).read(x, 8)
    imported = POOLED.open(tmp_path, AnnConfig(max_pool="spikes")).read(x, 8)
    graph = imported.graph
    assert graph.sources("m") == ("r",)
    assert graph.types["m"].signal == "spike"
    assert isinstance(graph.op("m"), MaxPool)
    notes = {str(note) for note in imported.notes}
    assert "r: put before 'm', which gives the same" in notes
    assert "again: left out: its input is never negative" in notes
    assert "m: maximum over the spikes of each step: not exact, never below the right one" in notes


def test_max_pool_of_currents_is_refused(tmp_path: Path) -> None:
    nodes: list[NodeSpec] = [("MaxPool", ["x"], "m", {"kernel_shape": [2, 2]}), ("Flatten", ["m"], "y")]
    with pytest.raises(UnsupportedError, match="layer 'm': only ReLUs can be max-pooled"):
        File((1, 4, 4), nodes, {}).open(tmp_path, AnnConfig(max_pool="spikes")).read(images(1, 4, 4), 8)


def folded(ann: Ann, x: Array) -> Array:
    return activations(fold(ann).graph, x, frozenset({fold(ann).output}))[fold(ann).output]


@pytest.mark.parametrize("file", [residual(), POOLED, GROUPED, NORMALIZED_FIRST])
def test_folding_changes_nothing(file: File, tmp_path: Path) -> None:
    x = images(*file.shape) - np.float32(0.3)
    np.testing.assert_allclose(folded(file.open(tmp_path).ann, x), file.reference(x), rtol=1e-4, atol=1e-5)


def test_folding_reports_weights_that_overflow(tmp_path: Path) -> None:
    big = {"w": np.float32(1e30) * np.ones((3, 1, 1, 1), np.float32), "k": np.float32(1e30)}
    file = network(
        (1, 2, 2), [("Conv", ["x", "w"], "c"), ("Mul", ["c", "k"], "m"), ("Relu", ["m"], "y")], **big
    )
    with pytest.raises(
        InputError, match=r"layer 'm', folded into 'c': .*weight holds 3 of 3 values that are NaN or"
    ):
        fold(file.open(tmp_path).ann)


def test_least_squares_is_the_best_scale() -> None:
    rows = np.abs(normal(3, 4000)).astype(np.float64)
    rows[2] = 0.0
    for steps in (2, 8, 64):
        found = least_squares(rows, steps)
        assert found[2] == 0.0

        def error(scale: Array, row: int, steps: int = steps) -> float:
            a = rows[row]
            return float(
                ((a - np.clip(np.floor(steps * a / scale + 0.5), 0, steps) * scale / steps) ** 2).sum()
            )

        for row in (0, 1):
            around = [error(found[row] * factor, row) for factor in (0.7, 0.85, 1.15, 1.4)]
            assert error(found[row], row) < min(around)
    assert (least_squares(rows[:2], 2) < least_squares(rows[:2], 64)).all()


def test_scales_follow_the_configuration(tmp_path: Path) -> None:
    ann = fold(residual().open(tmp_path).ann)
    x = images(1, 4, 4, samples=50)
    given = activations(ann.graph, x, frozenset({"r1"}))["r1"]

    def scale(**config: object) -> tuple[Array, str]:
        scales, notes = spike_scales(ann.graph, x, 8, AnnConfig(**config))  # type: ignore[arg-type]
        return scales["r1"], str(notes[0])

    largest, note = scale(percentile="max")
    assert largest == given.max()
    assert note.startswith(
        f"r1: ReLU becomes integrate-and-fire, a spike is worth {given.max():.6g} (the maximum"
    )
    assert scale(percentile=90.0)[0] == np.percentile(given, 90.0)
    by_channel, note = scale(percentile="max", per="channel")
    np.testing.assert_array_equal(by_channel, given.max(axis=(0, 2, 3)))
    assert "by channel (the maximum; 0.00% clipped) over 50 samples" in note
    assert "least squares at 8 steps" in scale()[1]


def test_silent_layers_and_channels_have_a_scale(tmp_path: Path) -> None:
    weight = np.abs(normal(5, 3))
    weight[:, 1] *= -1
    ann = network((5,), [("MatMul", ["x", "w"], "p"), ("Relu", ["p"], "y")], w=weight).open(tmp_path).ann
    for config in (AnnConfig(per="channel"), AnnConfig(per="channel", percentile=1.0)):
        scales, (note,) = spike_scales(fold(ann).graph, images(5), 8, config)
        assert (scales["y"] > 0).all()
        assert "1 of 3 never active" in str(note)
    scales, (note,) = spike_scales(fold(ann).graph, np.zeros((4, 5), np.float32), 8, AnnConfig())
    assert scales["y"] == 1.0
    assert "1 of 1 never active" in str(note)


def test_correction_makes_the_means_right(tmp_path: Path) -> None:
    x, steps = images(1, 4, 4, samples=100), 4
    plain = residual().open(tmp_path, AnnConfig(correct=0)).read(x, steps)
    model = residual().open(tmp_path, AnnConfig(correct=2))
    corrected = model.read(x, steps)
    wanted = ann_output(model, x)

    def bias(graph: Graph) -> float:
        return float(np.abs((outputs(graph, x, steps) - wanted).mean(axis=0)).max())

    def error(graph: Graph) -> float:
        return float(np.square(outputs(graph, x, steps) - wanted).mean())

    assert bias(plain.graph) > 0.05
    assert bias(corrected.graph) < 1e-5
    assert error(corrected.graph) < 0.8 * error(plain.graph)
    said = [str(note) for note in corrected.notes if "biases corrected" in str(note)]
    assert [text.split(":")[0] for text in said] == ["r1", "r2", "y"]
    assert not any("biases corrected" in str(note) for note in plain.notes)


def test_average_pools_and_convolutions_stay_themselves(tmp_path: Path) -> None:
    graph = residual().open(tmp_path).read(images(1, 4, 4), 4).graph
    assert [type(graph.op(name)) for name in ("c1", "c2", "pool")] == [Conv, Conv, AveragePool]


def test_what_a_reader_must_be_given(tmp_path: Path) -> None:
    model = residual().open(tmp_path)
    assert (model.origin, model.steps, model.data) == (str(tmp_path / "m.onnx"), None, None)
    with pytest.raises(
        UsageError, match="needs real input that finds what a spike is worth: give --calibrate DATA"
    ):
        model.read(None, 8)
    with pytest.raises(UsageError, match="how many time steps a sample runs; give --steps T"):
        model.read(images(1, 4, 4), None)
    with pytest.raises(
        InputError, match=r"takes \(samples, \*\(1, 4, 4\)\), but the sample is an array \(12, 16\)"
    ):
        model.read(images(16), 8)
    with pytest.raises(InputError, match="the sample holds 192 values that are NaN or infinite"):
        model.read(images(1, 4, 4) * np.float32("nan"), 8)


def test_images_may_lack_the_axis_of_one_channel(tmp_path: Path) -> None:
    x, model = images(1, 4, 4), residual().open(tmp_path)
    assert model.read(x[:, 0], 8).graph == model.read(x, 8).graph
