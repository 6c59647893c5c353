"""The page of the trained networks, from their cards."""

from __future__ import annotations

from collections.abc import Iterator

from neurodeploy.cli.cost_text import quantity
from neurodeploy.zoo import WEIGHTS, Card, Cost, card, names

HEAD = """# Trained networks

These networks come with the package. `zoo:NAME` is one wherever a verb takes a model or an artefact. No data, no
torch and no network connection are needed to compile it:

    neurodeploy compile zoo:fmnist-conv -o conv.onnx
    neurodeploy run zoo:fmnist-conv --data fashion-mnist
    neurodeploy inspect zoo:fmnist-conv

A verb that takes integers uses the 8-bit artefact of the package, which is what `compile` writes. A verb that takes a
float model (`compile`, `quantize`, `run --backend float`, the first argument of `diff`) uses the float weights. In
Python: `neurodeploy.load("zoo:fmnist-conv")` and `neurodeploy.compile("zoo:fmnist-conv")`. `train --start` takes no
`zoo:NAME`.

The integers of the input were found on training samples, as each card says; `--calibrate DATA` finds them again.
Rounding that looks at data, such as GPTQ, needs `--calibrate`.

This page is written by `python docs/generate.py` from the cards, `models/zoo/NAME/card.json`.
`python benchmarks/zoo.py check` measures every number again. Accuracies are on the whole test set, of one training
with one seed. Energy and time are those of one sample, counted on the first samples of the test set. Where no error is
given, none is public: take them as orders of magnitude. A training gives the same bytes again on the same kind of
processor and the same versions.
"""


def zoo_page() -> str:
    """The whole page."""
    cards = [card(name) for name in names()]
    return "\n".join([HEAD, *_table(cards), *(line for one in cards for line in _section(one))])


def _table(cards: list[Card]) -> Iterator[str]:
    weights = [accuracy.weights for accuracy in cards[0].accuracy]
    yield f"| network | parameters | T | {' | '.join(weights)} | cores | energy a sample |"
    yield f"|---|---|---|{'---|' * len(weights)}---|---|"
    for one in cards:
        shares = " | ".join(f"{100 * accuracy.accuracy:.2f} %" for accuracy in one.accuracy)
        yield (
            f"| [`zoo:{one.name}`](#{one.name}) | {one.parameters} | {one.steps} | {shares} | {one.fit.cores} "
            f"| {_energy(one.cost)} |"
        )
    yield ""


def _section(one: Card) -> Iterator[str]:
    yield f"## {one.name}\n\n{one.title}.\n"
    yield f"- trained by: `{one.command}`"
    yield f"- with: {', '.join(f'{name} {version}' for name, version in one.versions.items())}"
    samples = f"{one.train.samples} training and {one.test.samples} test samples"
    yield f"- data: {samples} ({one.source}; licence: {one.licence})"
    yield f"- sha256 of the samples: train `{one.train.sha256}`, test `{one.test.sha256}`"
    yield f"- input: {one.grid.levels:.6g} levels per unit, integers {one.grid.low}..{one.grid.high}"
    for accuracy in one.accuracy:
        made = f" (`neurodeploy compile zoo:{one.name} {accuracy.options}`)" if accuracy.options else ""
        yield f"- {accuracy.weights}: {100 * accuracy.accuracy:.2f} %{made}"
    yield f"- fit: at least {one.fit.cores} of {one.fit.cores_limit} cores of {one.fit.chip}"
    counts = f"{one.cost.spikes:.1f} spikes, {one.cost.operations:.1f} synaptic operations"
    estimate = f"{_energy(one.cost)}, {_time(one.cost)} ({one.cost.calibration})"
    yield f"- a sample on {one.cost.chip}, mean of {one.cost.samples}: {counts}, {estimate}"
    yield f"- sha256 of the float weights (`{WEIGHTS}`): `{one.files[WEIGHTS]}`\n"


def _energy(cost: Cost) -> str:
    return _about(cost.joules, "J", cost.energy_error)


def _time(cost: Cost) -> str:
    return _about(cost.seconds, "s", cost.latency_error)


def _about(value: float | None, unit: str, error: float | None) -> str:
    if value is None:
        return "not public"
    return (
        f"about {quantity(value, unit, 1)}"
        if error is None
        else f"{quantity(value, unit, 2)} +-{100 * error:.0f} %"
    )
