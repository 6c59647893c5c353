from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir import (
    LIF,
    Add,
    AveragePool,
    Concat,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    Readout,
    Scale,
    SumPool,
)
from neurodeploy.ir.interpreter import interpret
from neurodeploy.passes import Notes
from neurodeploy.passes.compose import groups
from neurodeploy.passes.lower import lower
from tests.passes.lowering import STEPS, Builder, assert_same, conv, dense, frames, lif, norm


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def average(kernel: int = 2, stride: int = 2, padding: int = 0, **settings: bool) -> AveragePool:
    return AveragePool((kernel, kernel), (stride, stride), (padding,) * 4, **settings)


def into(graph: Graph, neurons: str) -> list[tuple[str, str]]:
    """(source, group) of every group of synapses of a layer of neurons."""
    return [(graph.sources(group)[0], group) for group in graph.sources(neurons)]


def texts(notes: Notes) -> list[str]:
    return [str(note) for note in notes]


def test_vgg(rng: np.random.Generator) -> None:
    """Convolution, batch norm, neurons and pools: a pool is part of the kernel behind it."""
    b = Builder(Input((2, 8, 8)))
    at = b.chain(
        "in", conv1=conv(rng, 4, 2, padding=1), bn1=norm(rng, 4), lif1=lif((4, 8, 8)), pool1=average()
    )
    at = b.chain(at, conv2=conv(rng, 3, 4, padding=1), bn2=norm(rng, 3), lif2=lif((3, 4, 4)), pool2=average())
    at = b.chain(at, flat=Flatten(), fc=dense(rng, 5, 12), out1=Readout((5,), 1.0))
    graph = b.graph(at)
    notes: Notes = []
    lowered = assert_same(graph, frames(graph, rng), notes)
    assert lowered.names == ("in", "conv1", "lif1", "conv2", "lif2", "flat", "fc", "out1", "out")
    conv2, fc = lowered.op("conv2"), lowered.op("fc")
    assert isinstance(conv2, Conv) and isinstance(fc, Dense)
    assert conv2.weight.shape == (3, 4, 6, 6)
    assert (conv2.stride, conv2.padding) == ((2, 2), (2, 2, 2, 2))
    assert fc.weight.shape == (5, 48)
    assert lowered.op("lif1").bias.shape == (4, 1, 1)  # type: ignore[attr-defined]
    assert texts(notes) == [
        "conv1: 'in' to 'lif1' through conv1, bn1: conv 4x2x3x3, 3872 synapses",
        "conv2: 'lif1' to 'lif2' through pool1, conv2, bn2: conv 3x4x6x6, 4800 synapses",
        "fc: 'lif2' to 'out1' through pool2, fc: dense 5x48, 240 synapses, multiplied out to a matrix",
    ]


def test_convolution_before_a_pool(rng: np.random.Generator) -> None:
    b = Builder(Input((2, 7, 7)))
    at = b.chain("in", conv=conv(rng, 3, 2, padding=1), pool=average(), lif=lif((3, 3, 3)))
    lowered = assert_same(b.graph(at), frames(b.graph(at), rng))
    op = lowered.op("conv")
    assert isinstance(op, Conv)
    assert (op.weight.shape, op.stride, op.padding) == ((3, 2, 4, 4), (2, 2), (1, 1, 1, 1))


def test_batch_norm_before_a_padded_convolution(rng: np.random.Generator) -> None:
    """What the shift adds is missing at the border, so that each neuron has its own bias."""
    b = Builder(Input((2, 5, 5)))
    at = b.chain("in", bn=norm(rng, 2), conv=conv(rng, 3, 2, padding=1), lif=lif((3, 5, 5)))
    notes: Notes = []
    lowered = assert_same(b.graph(at), frames(b.graph(at), rng), notes)
    bias = lowered.op("lif").bias  # type: ignore[attr-defined]
    assert bias.shape == (3, 5, 5)
    assert (bias[:, 2, 2] != bias[:, 0, 0]).any()
    assert "lif: 75 biases, as the constants of its synapses differ by position" in texts(notes)


def test_spike_element_wise_residual(rng: np.random.Generator) -> None:
    """Spikes are added before a convolution: it is there once for each layer of neurons."""
    b = Builder(Input((2, 4, 4)))
    one = b.chain("in", conv0=conv(rng, 3, 2, padding=1), lif0=lif((3, 4, 4)))
    two = b.chain(one, conv1=conv(rng, 3, 3, padding=1), lif1=lif((3, 4, 4)))
    both = b.add("add", Add(), one, two)
    at = b.chain(both, conv2=conv(rng, 2, 3, padding=1), lif2=lif((2, 4, 4)))
    lowered = assert_same(b.graph(at), frames(b.graph(at), rng))
    assert into(lowered, "lif2") == [("lif0", "conv2"), ("lif1", "conv2.lif1")]
    assert lowered.op("conv2") == lowered.op("conv2.lif1")


def test_pre_activation_residual(rng: np.random.Generator) -> None:
    """Currents add up over blocks: each layer of neurons has a group from every block before it."""
    b = Builder(Input((2, 4, 4)))
    at = b.chain("in", stem=conv(rng, 3, 2, padding=1))
    for i in (1, 2):
        last = b.chain(
            at, **{f"bn{i}": norm(rng, 3), f"lif{i}": lif((3, 4, 4)), f"conv{i}": conv(rng, 3, 3, padding=1)}
        )
        at = b.add(f"add{i}", Add(), last, at)
    graph = b.graph(b.chain(at, bn3=norm(rng, 3), lif3=lif((3, 4, 4))))
    lowered = assert_same(graph, frames(graph, rng))
    assert into(lowered, "lif2") == [("lif1", "conv1"), ("in", "stem.bn2")]
    assert into(lowered, "lif3") == [("lif2", "conv2"), ("lif1", "conv1.bn3"), ("in", "stem.bn3")]


def test_downsampling_shortcut(rng: np.random.Generator) -> None:
    """A strided 3x3 block and a shortcut of an average pool and a 1x1 convolution become one kernel."""
    b = Builder(Input((2, 8, 8)))
    at = b.chain("in", conv0=conv(rng, 2, 2, padding=1), lif0=lif((2, 8, 8)))
    block = b.chain(at, conv1=conv(rng, 4, 2, stride=2, padding=1), bn1=norm(rng, 4))
    short = b.chain(at, pool=average(), conv2=conv(rng, 4, 2, 1, bias=False), bn2=norm(rng, 4))
    graph = b.graph(b.chain(b.add("add", Add(), block, short), lif1=lif((4, 4, 4))))
    lowered = assert_same(graph, frames(graph, rng))
    (group,) = into(lowered, "lif1")
    op = lowered.op(group[1])
    assert isinstance(op, Conv)
    assert (op.weight.shape, op.stride, op.padding) == ((4, 2, 3, 3), (2, 2), (1, 1, 0, 0))


def test_identity_shortcut_is_part_of_the_kernel(rng: np.random.Generator) -> None:
    b = Builder(Input((2, 4, 4)))
    at = b.chain("in", conv0=conv(rng, 3, 2, padding=1), lif0=lif((3, 4, 4)))
    block = b.chain(at, conv1=conv(rng, 3, 3, padding=1, bias=False))
    graph = b.graph(b.chain(b.add("add", Add(), at, block), lif1=lif((3, 4, 4))))
    lowered = assert_same(graph, frames(graph, rng))
    assert into(lowered, "lif1") == [("lif0", "conv1")]
    before, after = graph.op("conv1"), lowered.op("conv1")
    assert isinstance(before, Conv) and isinstance(after, Conv)
    np.testing.assert_array_equal((after.weight - before.weight)[:, :, 1, 1], np.eye(3))


def test_identity_shortcut_of_another_source(rng: np.random.Generator) -> None:
    """By itself it is a 1x1 kernel for each channel, named after the sum and its source."""
    b = Builder(Input((2, 4, 4)))
    one = b.chain("in", conv0=conv(rng, 3, 2, padding=1), lif0=lif((3, 4, 4)))
    two = b.chain(
        one, conv1=conv(rng, 3, 3, padding=1), lif1=lif((3, 4, 4)), conv2=conv(rng, 3, 3, padding=1)
    )
    graph = b.graph(b.chain(b.add("add", Add(), two, one), lif2=lif((3, 4, 4))))
    lowered = assert_same(graph, frames(graph, rng))
    assert into(lowered, "lif2") == [("lif1", "conv2"), ("lif0", "add.lif0")]
    short = lowered.op("add.lif0")
    assert isinstance(short, Conv)
    assert (short.weight.shape, short.groups) == ((3, 1, 1, 1), 3)


def test_flat_shortcut_is_a_diagonal(rng: np.random.Generator) -> None:
    b = Builder(Input((3,)))
    one = b.chain("in", fc0=dense(rng, 3, 3), lif0=lif((3,)))
    two = b.chain(one, fc1=dense(rng, 3, 3), lif1=lif((3,)), fc2=dense(rng, 3, 3))
    graph = b.graph(b.chain(b.add("add", Add(), two, one), lif2=lif((3,))))
    lowered = assert_same(graph, frames(graph, rng))
    short = lowered.op("add.lif0")
    assert isinstance(short, Dense)
    np.testing.assert_array_equal(short.weight, np.eye(3))


def test_dense_net(rng: np.random.Generator) -> None:
    """Spikes of all layers are joined before each convolution: it is cut into one group for each."""
    b = Builder(Input((2, 4, 4)))
    at, channels = b.chain("in", conv0=conv(rng, 2, 2, padding=1), lif0=lif((2, 4, 4))), 2
    for i in (1, 2):
        new = b.chain(
            at,
            **{
                f"bn{i}": norm(rng, channels),
                f"conv{i}": conv(rng, 3, channels, padding=1),
                f"lif{i}": lif((3, 4, 4)),
            },
        )
        at, channels = b.add(f"cat{i}", Concat(), at, new), channels + 3
    graph = b.graph(b.chain(at, conv3=conv(rng, 2, channels, 1), lif3=lif((2, 4, 4))))
    lowered = assert_same(graph, frames(graph, rng))
    assert [source for source, _ in into(lowered, "lif3")] == ["lif0", "lif1", "lif2"]
    shapes = [lowered.op(group).weight.shape for _, group in into(lowered, "lif3")]  # type: ignore[attr-defined]
    assert shapes == [(2, 2, 1, 1), (2, 3, 1, 1), (2, 3, 1, 1)]


def test_recurrence_through_dense_and_scale(rng: np.random.Generator) -> None:
    b = Builder(Input((4,)))
    b.ops["later"] = Delay((3,), 1)
    back = b.chain("later", back=dense(rng, 3, 3), gain=Scale(0.5, 0.25))
    at = b.add("lif", lif((3,)), b.chain("in", fc=dense(rng, 3, 4)), back)
    b.edges.append((at, "later"))
    graph = b.graph(at)
    lowered = assert_same(graph, frames(graph, rng))
    assert into(lowered, "lif") == [("in", "fc"), ("later", "back")]
    assert lowered.feedback == {("lif", "later")}


def test_delayed_currents(rng: np.random.Generator) -> None:
    """The spikes are delayed instead; a constant behind a delay starts later, which no bias does."""
    b = Builder(Input((4,)))
    at = b.chain("in", fc0=dense(rng, 3, 4), lif0=lif((3,)), fc1=dense(rng, 2, 3))
    at = b.chain(at, later=Delay((2,), 2, "current"), lif1=lif((2,)))
    notes: Notes = []
    lowered = assert_same(b.graph(at), frames(b.graph(at), rng), notes)
    assert into(lowered, "lif1") == [("later", "fc1"), ("pacemaker.delay2", "lif1.constant")]
    assert lowered.op("later") == Delay((3,), 2)
    assert texts(notes) == [
        "later: moved to 'lif0', in front of the synapses",
        "pacemaker: added; it spikes in every step and carries constant currents",
        "lif1: constant current by synapses 'lif1.constant' from 'pacemaker', from step 2 on",
    ]


def test_delays_add_up(rng: np.random.Generator) -> None:
    b = Builder(Input((4,)))
    at = b.chain(
        "in", first=Delay((4,), 1, "value"), fc=dense(rng, 3, 4, bias=False), second=Delay((3,), 1, "current")
    )
    graph = b.graph(b.chain(at, lif=lif((3,))))
    lowered = assert_same(graph, frames(graph, rng))
    assert into(lowered, "lif") == [("first", "fc")]
    assert lowered.op("first") == Delay((4,), 2, "value")


@pytest.mark.parametrize("shape", [(4,), (2, 5), (2, 4, 4)])
def test_constants_of_neurons_that_remember_currents(
    rng: np.random.Generator, shape: tuple[int, ...]
) -> None:
    """A bias would act on the potential alone; a pacemaker feeds the current."""
    b = Builder(Input(shape))
    make = dense(rng, 4, 4) if len(shape) == 1 else conv(rng, 2, 2, padding=1, axes=len(shape) - 1)
    keeps = np.zeros(shape)
    keeps[0] = 0.5
    at = b.chain("in", shift=Scale(1.0, 0.5), synapses=make, lif=lif(shape, current_decay=keeps, bias=0.25))
    lowered = assert_same(b.graph(at), frames(b.graph(at), rng))
    neurons = lowered.op("lif")
    assert isinstance(neurons, LIF)
    bias = np.broadcast_to(neurons.bias, shape)
    assert (bias[0] == 0.25).all()
    assert (bias[1:] != 0.25).any()
    (source, group) = into(lowered, "lif")[1]
    assert source.startswith("pacemaker")
    assert not lowered.op(group).weight[1:].any()  # type: ignore[attr-defined]


def test_one_pacemaker_for_each_shape(rng: np.random.Generator) -> None:
    b = Builder(Input((2,)))
    at = b.chain("in", fc1=dense(rng, 3, 2), lif1=lif((3,), current_decay=0.5))
    at = b.chain(at, fc2=dense(rng, 4, 3), lif2=lif((4,), current_decay=0.5))
    lowered = assert_same(b.graph(at), frames(b.graph(at), rng))
    assert lowered.users("pacemaker") == ("lif1.constant", "lif2.constant")


def test_pool_of_an_odd_extent_before_a_padded_convolution(rng: np.random.Generator) -> None:
    """The row left over by the pool is beyond the border, where the kernel of both would read it."""
    b = Builder(Input((2, 7, 7)))
    at = b.chain("in", conv0=conv(rng, 2, 2, padding=1), lif0=lif((2, 7, 7)), pool=average())
    graph = b.graph(b.chain(at, conv1=conv(rng, 3, 2, padding=1), lif1=lif((3, 3, 3))))
    notes: Notes = []
    lowered = assert_same(graph, frames(graph, rng), notes)
    assert [group for _, group in into(lowered, "lif1")] == [
        "conv1",
        "conv1.border",
        "conv1.border.2",
        "conv1.border.3",
    ]
    assert sum("takes away what would be read beyond a border" in text for text in texts(notes)) == 3


def test_mean_of_the_inputs_inside_is_multiplied_out(rng: np.random.Generator) -> None:
    b = Builder(Input((1, 4, 4)))
    at = b.chain(
        "in", pool=average(padding=1, count_padding=False), conv=conv(rng, 2, 1, 2), lif=lif((2, 2, 2))
    )
    notes: Notes = []
    lowered = assert_same(b.graph(at), frames(b.graph(at), rng), notes)
    assert into(lowered, "lif") == [("in", "conv")]
    assert texts(notes) == [
        "conv: 'in' to 'lif' through pool, conv: conv 2x1x8x8, 128 synapses, multiplied out to a matrix"
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_padded_kernels_behind_each_other(rng: np.random.Generator, count: int) -> None:
    """However many, there is at most one correction for each border and each corner."""
    lowered = behind_each_other(rng, count, 12)
    assert 4 <= len(into(lowered, "lif")) <= 9


@pytest.mark.parametrize("count", [3, 5])
def test_corrections_that_are_more_than_the_matrix_are_not_made(rng: np.random.Generator, count: int) -> None:
    """On a small image the kernel and its corrections see nearly everything, several times."""
    lowered = behind_each_other(rng, count, 4)
    (_, name), *more = into(lowered, "lif")
    assert not more and lowered.op(name).weight.size == 16 * 16


def behind_each_other(rng: np.random.Generator, count: int, size: int) -> Graph:
    b = Builder(Input((1, size, size)))
    kernels = {f"conv{i}": conv(rng, 1, 1, padding=1) for i in range(count)}
    graph = b.graph(b.chain("in", **kernels, lif=lif((1, size, size))))
    return assert_same(graph, frames(graph, rng))


def test_too_large_a_matrix_is_refused(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LARGEST_UNROLLED", 511)
    b = Builder(Input((1, 4, 4)))
    at = b.chain(
        "in", pool=average(padding=1, count_padding=False), conv=conv(rng, 2, 1, 2), lif=lif((2, 2, 2))
    )
    with pytest.raises(UnsupportedError) as caught:
        lower(b.graph(at), [])
    assert str(caught.value) == (
        "compose-synapses: layer 'lif': the path from 'in' through pool, conv is no convolution, and as a matrix of "
        "8 x 16 it needs 512 multiplications a step; the limit is 511 (1 times as many). Put neurons between these "
        "layers, flatten behind the neurons, or pool without padding"
    )


def test_too_large_a_pooled_matrix_is_refused(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "LARGEST_MATRIX", 16)
    b = Builder(Input((1, 4, 4)))
    graph = b.graph(b.chain("in", pool=average(), flat=Flatten(), fc=dense(rng, 2, 4), lif=lif((2,))))
    with pytest.raises(UnsupportedError, match="as a matrix of 2 x 16 it needs 32 weights; the limit is 16"):
        lower(graph, [])
    plain = Builder(Input((1, 4, 4)))
    lower(plain.graph(plain.chain("in", flat=Flatten(), fc=dense(rng, 2, 16), lif=lif((2,)))), [])


def test_cycle_without_neurons_is_refused(rng: np.random.Generator) -> None:
    b = Builder(Input((2,)))
    b.ops["later"] = Delay((2,), 1, "current")
    at = b.add("add", Add(), b.chain("in", fc=dense(rng, 2, 2)), "later")
    b.edges.append((b.chain(at, gain=Scale(0.5)), "later"))
    with pytest.raises(
        UnsupportedError, match=r"the cycle .*add -> gain.* holds no neurons.*put neurons into it"
    ):
        lower(b.graph(b.chain(at, lif=lif((2,)))), [])


def test_output_of_joined_neurons_is_refused(rng: np.random.Generator) -> None:
    b = Builder(Input((2,)))
    one = b.chain("in", fc1=dense(rng, 2, 2), lif1=lif((2,)))
    two = b.chain("in", fc2=dense(rng, 2, 2), lif2=lif((2,)))
    with pytest.raises(
        UnsupportedError, match="layer 'out': the output must be that of one layer of neurons; put"
    ):
        lower(b.graph(b.add("cat", Concat(), one, two)), [])


def test_window_of_padding_alone_has_no_mean(rng: np.random.Generator) -> None:
    b = Builder(Input((1, 4, 4)))
    at = b.chain(
        "in", pool=average(padding=2, count_padding=False), conv=conv(rng, 2, 1, 2), lif=lif((2, 3, 3))
    )
    with pytest.raises(InputError, match=r"layer 'pool': a window \(2, 2\) lies wholly in the padding"):
        lower(b.graph(at), [])


def test_delayed_and_flattened_output(rng: np.random.Generator) -> None:
    b = Builder(Input((1, 3, 3)))
    at = b.chain("in", conv=conv(rng, 2, 1), lif=lif((2, 1, 1)), later=Delay((2, 1, 1), 1), flat=Flatten())
    lowered = assert_same(b.graph(at), frames(b.graph(at), rng))
    assert lowered.sources("out") == ("flat",)
    assert lowered.sources("flat") == ("later",)


def test_a_plain_network_stays_but_for_its_biases(rng: np.random.Generator) -> None:
    b = Builder(Input((1, 3, 3)))
    at = b.chain(
        "in",
        conv=conv(rng, 2, 1),
        lif=lif((2, 1, 1)),
        flat=Flatten(),
        fc=dense(rng, 3, 2),
        r=Readout((3,), 1.0),
    )
    graph, notes = b.graph(at), Notes()
    lowered = assert_same(graph, frames(graph, rng), notes)
    assert lowered.names == graph.names
    assert notes == []
    assert lower(lowered, []) == lowered


def test_any_numbers(rng: np.random.Generator) -> None:
    """Numbers that float32 rounds: potentials differ by rounding alone."""
    b = Builder(Input((3, 9, 9)))
    at = b.chain("in", bn0=Scale(rng.normal(size=(3, 1, 1)), rng.normal(size=(3, 1, 1))))
    at = b.chain(at, c1=Conv(rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4), (1, 1), (1,) * 4, (1, 1)))
    at = b.chain(
        at,
        pool=AveragePool((3, 3), (2, 2), (1,) * 4),
        c2=Conv(rng.normal(size=(5, 4, 3, 3)), np.zeros(5), (1, 1), (1,) * 4, (1, 1)),
    )
    at = b.chain(
        at,
        sums=SumPool((3, 3), (1, 1), (0,) * 4),
        flat=Flatten(),
        fc=Dense(rng.normal(size=(6, 45)), np.zeros(6)),
    )
    graph = b.graph(b.chain(at, r=Readout((6,), 0.9)))
    x = rng.normal(size=(STEPS, 2, 3, 9, 9))
    before, after = (
        interpret(g, x, STEPS, time_axis=True, dtype=np.float64).membrane["r"]
        for g in (graph, lower(graph, []))
    )
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-6 * np.abs(before).max())
    assert (after != before).any()


def test_names_are_the_same_every_time(rng: np.random.Generator) -> None:
    b = Builder(Input((2, 4, 4)))
    one = b.chain("in", conv0=conv(rng, 3, 2, padding=1), lif0=lif((3, 4, 4)))
    pooled = b.chain(one, pool=SumPool((3, 3), (1, 1), (1,) * 4))
    both = b.add("add", Add(), pooled, b.chain("in", scale=Scale(0.5), conv1=conv(rng, 3, 2, 1)))
    graph = b.graph(b.chain(both, conv2=conv(rng, 2, 3, 1), **{"conv2.pool": lif((2, 4, 4))}))
    lowered = assert_same(graph, frames(graph, rng))
    assert into(lowered, "conv2.pool") == [("lif0", "conv2"), ("in", "conv2.conv1")]
    assert lower(graph, []) == lowered
