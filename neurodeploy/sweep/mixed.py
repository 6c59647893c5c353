"""The smallest mixture of bits that keeps the accuracy: a greedy search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from neurodeploy.sweep.point import Point
from neurodeploy.sweep.runner import Runner
from neurodeploy.sweep.setting import Setting


def descend(
    runner: Runner,
    start: Setting,
    widths: Sequence[int],
    sensitivity: Mapping[str, float],
    within: Callable[[Point], bool],
) -> Iterator[Setting]:
    """Every setting on the way down from `start`, which must be within the gate, to where no layer can go lower.

    In each step the layer with the best price goes to the next width below; a layer whose step misses the gate
    stays where it is. The price of layer l from b to b' bits is

        weights_l (b - b') / (D_l (4^-b' - 4^-b) 4^lowest + 1 / 2N)

    bits saved per share of samples lost: D_l is `sensitivity`, measured at the lowest width, and the power of
    rounding errors grows by 4 a bit. `widths` are descending. Greedy: a smaller setting may exist.
    """
    current, stuck = start, set[str]()
    samples = len(runner.work.dataset)
    weights = runner.work.weights

    def price(layer: str) -> float:
        bits, below = current.of(layer), _below(current.of(layer), widths)
        lost = sensitivity[layer] * (4.0**-below - 4.0**-bits) * 4.0 ** widths[-1]
        return weights[layer] * (bits - below) / (lost + 0.5 / samples)

    while movable := [name for name in weights if name not in stuck and current.of(name) > widths[-1]]:
        order = sorted(movable, key=price, reverse=True)[: runner.jobs]
        trials = [current.with_layer(name, _below(current.of(name), widths)) for name in order]
        for name, setting, point in zip(order, trials, runner.run(trials), strict=True):
            if within(point):
                current = setting
                yield current
                break
            stuck.add(name)


def _below(bits: int, widths: Sequence[int]) -> int:
    return next(width for width in widths if width < bits)
