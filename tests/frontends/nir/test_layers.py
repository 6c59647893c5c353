"""Layers without memory: padding in all its forms, groups, pools, flattening, shapes that files declare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.errors import InputError
from neurodeploy.frontends.nir import open_nir
from neurodeploy.ir import AveragePool, Conv, Dense, Flatten, Graph, Readout, Scale, SumPool
from neurodeploy.ir.interpreter import interpret
from tests.frontends.nir.files import PLAIN, affine, chain, conv, inputs, lif, outputs, read, write

torch = pytest.importorskip("torch")


def output(graph: Graph, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What a graph that ends in a readout of each step gives for one input."""
    return np.asarray(interpret(graph, x[np.newaxis], 1, dtype=np.float64).membrane["readout"][0, 0])


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    axes = draw(st.sampled_from([1, 2]))
    groups, per = draw(st.sampled_from([1, 2])), draw(st.integers(1, 2))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    padding = draw(st.sampled_from(["same", "valid", "one", "each"]))
    stride = 1 if padding == "same" else draw(st.integers(1, 2))
    return {
        "groups": groups,
        "shape": (groups * per, *(draw(st.integers(5, 8)) for _ in range(axes))),
        "kernel": kernel,
        "padding": {"one": 1, "each": list(range(axes))}.get(padding, padding),
        "stride": stride,
        "dilation": draw(st.integers(1, 2)),
    }


@settings(max_examples=30)
@given(convolutions(), st.integers(0, 99))
def test_convolutions_as_torch_does_them(
    tmp_path_factory: pytest.TempPathFactory, case: dict[str, Any], seed: int
) -> None:
    rng, shape, groups = np.random.default_rng(seed), case["shape"], case["groups"]
    weight = rng.normal(size=(groups * 2, shape[0] // groups, *case["kernel"])).astype(np.float32)
    bias, x = rng.normal(size=groups * 2).astype(np.float32), rng.normal(size=shape)
    run = [torch.nn.functional.conv1d, torch.nn.functional.conv2d][len(shape) - 2]
    fields = {key: case[key] for key in ("stride", "padding", "dilation", "groups")}
    tensors = (torch.from_numpy(a.astype(np.float64)) for a in (x[np.newaxis], weight, bias))
    expected = run(*tensors, **{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})[
        0
    ].numpy()
    path = tmp_path_factory.mktemp("nir") / "n.nir"
    chain(path, shape, expected.shape, conv=conv(weight, bias, **fields))
    np.testing.assert_allclose(output(read(path), x), expected, atol=1e-12)


@pytest.mark.parametrize("kind", ["SumPool2d", "AvgPool2d"])
@pytest.mark.parametrize("fields", [(2, 2, 0), ([2, 3], [2, 1], [0, 1])])
def test_pools_as_torch_does_them(tmp_path: Path, kind: str, fields: Any) -> None:
    x = np.random.default_rng(1).normal(size=(2, 6, 7))
    kernel, stride, padding = fields
    node = {
        "type": kind,
        "kernel_size": np.array(kernel),
        "stride": np.array(stride),
        "padding": np.array(padding),
    }
    expected = torch.nn.functional.avg_pool2d(torch.from_numpy(x), kernel, stride, padding).numpy()
    expected = expected * np.prod(np.broadcast_to(kernel, 2)) if kind == "SumPool2d" else expected
    path = chain(tmp_path / "n.nir", x.shape, expected.shape, pool=node)
    np.testing.assert_allclose(output(read(path), x), expected, atol=1e-12)
    notes = [str(note) for note in open_nir(path, None, PLAIN).imported.notes]
    assert any("zeros of its padding count" in n for n in notes) == (kind == "AvgPool2d" and padding != 0)


def test_operations_of_a_convolutional_net(tmp_path: Path) -> None:
    nodes = {
        "conv": conv(np.ones((4, 1, 3, 3)), padding=1, input_shape=np.array([6, 8])),
        "lif1": lif((4, 6, 8)),
        "pool": {"type": "SumPool2d", "kernel_size": 2, "stride": 2, "padding": 0},
        "flat": {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": np.array([4, 3, 4])},
        "fc": affine(np.ones((2, 48))),
        "lif2": lif(2),
    }
    graph = read(chain(tmp_path / "n.nir", (1, 6, 8), (2,), **nodes))
    assert [type(graph.op(n)) for n in ("conv", "pool", "flat", "fc")] == [Conv, SumPool, Flatten, Dense]
    assert [graph.types[n].shape for n in ("lif1", "pool", "flat", "lif2")] == [
        (4, 6, 8),
        (4, 3, 4),
        (48,),
        (2,),
    ]


def test_declared_shapes_that_are_wrong_are_noted(tmp_path: Path) -> None:
    """The package nir computes the shape behind a kernel that is not square wrongly, and writes it down."""
    nodes = {
        "conv1": conv(np.ones((4, 2, 3, 5))),
        "conv2": conv(np.ones((1, 4, 1, 1)), input_shape=np.array([6, 4])),
        "flat": {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": np.array([1, 6, 4])},
        "fc": affine(np.ones((2, 12))),
        "lif": lif(2),
    }
    model = open_nir(chain(tmp_path / "n.nir", (2, 8, 6), (2,), **nodes), None, PLAIN)
    notes = [str(note) for note in model.imported.notes]
    assert "conv2: input_shape says [6, 4], but [6, 2] comes in, which is taken" in notes
    assert "flat: input_type says [1, 6, 4], but [1, 6, 2] comes in, which is taken" in notes


@pytest.mark.parametrize(
    ("shape", "start", "end", "flattened"),
    [
        ((3, 2), 0, -1, True),
        ((3, 2), -2, 1, True),
        ((6,), 0, -1, False),
        ((1, 6), 1, -1, False),
        ((3, 2), 1, 1, None),
    ],
)
def test_flatten(tmp_path: Path, shape: Any, start: int, end: int, flattened: bool | None) -> None:
    node = {"type": "Flatten", "start_dim": start, "end_dim": end, "input_type": np.array(shape)}
    path = chain(tmp_path / "n.nir", shape, (2,), flat=node, fc=affine(np.ones((2, 6))), lif=lif(2))
    if flattened is None:
        with pytest.raises(
            InputError, match=r"node 'fc' \(Affine\): weight \(2, 6\) takes 6 inputs, but gets"
        ):
            read(path)
        return
    graph = read(path)
    assert ("flat" in graph.names) == flattened
    assert graph.types["lif"].shape == (2,)


def test_flattening_some_axes_is_refused(tmp_path: Path) -> None:
    node = {"type": "Flatten", "start_dim": 1, "end_dim": -1}
    path = chain(tmp_path / "n.nir", (4, 3, 2), (4, 6), flat=node)
    with pytest.raises(
        InputError, match=r"node 'flat' \(Flatten\): flattens \(4, 3, 2\) to \(4, 6\); only all axes"
    ):
        read(path)


def test_axes_of_one_that_stand_for_a_batch(tmp_path: Path) -> None:
    fields = {key: value[np.newaxis] for key, value in lif(2).items() if key != "type"}
    path = chain(
        tmp_path / "n.nir", (1, 3), (1, 1, 2), fc=affine(np.ones((2, 3))), lif={"type": "LIF", **fields}
    )
    model = open_nir(path, None, PLAIN)
    assert model.imported.graph.types["input"].shape == (3,)
    assert "input: shape [1, 3] is read as [3]: the axes before are a batch of one" in map(
        str, model.imported.notes
    )


def test_output_behind_a_flatten_is_that_of_the_neurons(tmp_path: Path) -> None:
    flat = {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": np.array([2, 4])}
    path = chain(tmp_path / "n.nir", (1, 4), (8,), conv=conv(np.ones((2, 1, 1))), lif=lif((2, 4)), flat=flat)
    model = open_nir(path, None, PLAIN)
    assert model.imported.graph.names == ("input", "conv", "lif", "output")
    assert "output: is given in the shape of 'lif', [2, 4], not flattened" in map(str, model.imported.notes)


def test_scale_and_sums(tmp_path: Path) -> None:
    nodes = {
        "input": inputs(2),
        "scale": {"type": "Scale", "scale": np.array([2.0, -1.0])},
        "a": affine(np.eye(2), [0.5, 0.5]),
        "b": affine(np.eye(2)),
        "output": outputs(2),
    }
    edges = [("input", "scale"), ("input", "a"), ("scale", "b"), ("a", "b"), ("b", "output")]
    graph = read(write(tmp_path / "n.nir", nodes, edges))
    assert graph.op("scale") == Scale(np.array([2.0, -1.0]))
    assert graph.sources("b") == ("b.sum",)
    assert output(graph, np.array([1.0, 3.0])).tolist() == [3.5, 0.5]


def test_output_without_neurons(tmp_path: Path) -> None:
    path = chain(tmp_path / "n.nir", (3,), (2,), fc=affine(np.ones((2, 3))))
    assert read(path).op("readout") == Readout((2,), 0.0)
    assert read(path, msgspec.structs.replace(PLAIN, readout="sum")).op("readout") == Readout((2,), 1.0)
    assert "nir.readout=sum takes the sum over time" in str(open_nir(path, None, PLAIN).imported.notes[-1])


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 3)])
def test_neurons_without_synapses_get_some_of_weight_one(tmp_path: Path, shape: tuple[int, ...]) -> None:
    model = open_nir(
        chain(tmp_path / "n.nir", shape, shape, a=lif(shape), b=lif(shape, v_threshold=0.5)), None, PLAIN
    )
    x = np.random.default_rng(0).normal(size=(1, *shape)) * 2
    run = interpret(model.imported.graph, x, 4)
    plain = interpret(read(chain(tmp_path / "a.nir", shape, shape, a=lif(shape))), x, 4)
    assert run.spikes["a"].any()
    assert np.array_equal(run.spikes["a"], plain.spikes["a"])
    assert np.array_equal(run.spikes["b"], run.spikes["a"])
    assert "b: gets 'a' without synapses: 'a.b' has weight one" in map(str, model.imported.notes)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (conv(np.ones((2, 1, 3, 3)), padding="same", stride=2), "padding 'same' needs stride 1, not [2, 2]"),
        (
            conv(np.ones((2, 1, 3, 3)), padding="full"),
            "padding must be integers, 'same' or 'valid', not 'full'",
        ),
        (
            conv(np.ones((2, 1, 3, 3)), padding=-1),
            "padding must be 2 integers of at least 0, or one for all, not [-1]",
        ),
        (conv(np.ones((2, 1, 3, 3)), stride=[1, 1, 1]), "stride must be 2 integers of at least 1"),
        (conv(np.ones((2, 1, 3, 3)), dilation=1.5), "dilation must be a few integers, not [1.5] (1 values)"),
        (conv(np.ones((3, 1, 3, 3)), groups=2), "op 'conv': 3 output channels cannot be split into 2 groups"),
        (conv(np.ones((2, 2, 3, 3))), "weight (2, 2, 3, 3) in 1 groups takes 2 channels, not 1"),
        (conv(np.ones((2, 1, 9, 9))), "its window (9, 9) is larger than the input (5, 5)"),
        (conv(np.ones((2, 1, 3))), "takes (channel, axis), but gets shape (1, 5, 5)"),
        (conv(np.ones((2, 1, 3, 3)), bias=np.zeros(3)), "bias (3,) does not belong to weight (2, 1, 3, 3)"),
        ({**conv(np.ones((2, 1, 3, 3))), "type": "Conv1d"}, "weight (2, 1, 3, 3) must have 3 axes"),
        (
            {"type": "AvgPool2d", "kernel_size": 0, "stride": 1, "padding": 0},
            "kernel_size must be 2 integers of at",
        ),
        ({"type": "Scale", "scale": np.ones(7)}, "scale (7,) does not belong to its input (1, 5, 5)"),
        ({"type": "Flatten", "start_dim": 4, "end_dim": -1}, "start_dim must be an axis of 3, not 4"),
        ({"type": "Flatten", "start_dim": 2, "end_dim": 0}, "start_dim 2 lies after end_dim 0"),
        (affine(np.ones((2, 25))), "weight (2, 25) takes 25 inputs, but gets shape (1, 5, 5)"),
    ],
)
def test_layers_that_do_not_fit(tmp_path: Path, node: dict[str, Any], message: str) -> None:
    path = chain(tmp_path / "n.nir", (1, 5, 5), (2,), layer=node)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: node 'layer'")
    assert message in str(caught.value)


def test_pool_of_the_graph_counts_padding(tmp_path: Path) -> None:
    node = {"type": "AvgPool2d", "kernel_size": 2, "stride": 2, "padding": 1}
    assert read(chain(tmp_path / "n.nir", (1, 4, 4), (1, 3, 3), pool=node)).op("pool") == AveragePool(
        (2, 2), (2, 2), (1, 1, 1, 1)
    )
