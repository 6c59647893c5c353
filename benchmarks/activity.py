"""Firing rates and synaptic operations by layer, of networks trained by each rule.

`python benchmarks/activity.py [--data fashion-mnist:FOLDER]`: means over the test data. Two minutes on one core
with the defaults.
"""

from __future__ import annotations

from collections.abc import Sequence

import pictures
import study
from tables import table

from neurodeploy.training import train
from neurodeploy.training.analysis import NetworkActivity, SynapseActivity, measure_activity


def show(title: str, found: NetworkActivity) -> None:
    """One table of the neurons, one of the synapses."""
    neurons = {
        one.layer: [f"{one.neurons}", f"{one.firing_rate:.4f}", f"{one.spikes:.1f}"] for one in found.neurons
    }
    table(f"{title}: spikes", ["neurons", "per neuron and step", "per sample"], neurons)
    columns = ["ACs", "MACs", "dense", "of dense"]
    table(f"{title}: operations per sample", columns, {one.layer: operations(one) for one in found.synapses})


def operations(one: SynapseActivity) -> list[str]:
    """Accumulates, multiply-accumulates, all synapses in all steps, and the share of them that work."""
    share = (one.effective_acs + one.effective_macs) / one.dense
    return [f"{one.effective_acs:.0f}", f"{one.effective_macs:.0f}", f"{one.dense:.0f}", f"{share:.1%}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure and print."""
    parser = study.parser(__doc__, "activity")
    parser.add_argument("--layers", default="784-256-256-10", help="sizes of the layers (784-256-256-10)")
    parser.add_argument("--rules", nargs="+", default=["ottt-a", "ottt-o", "rate-m", "bptt", "event"])
    parser.add_argument("--steps", type=int, default=8, metavar="T")
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args(arguments)
    pictures.check(args.plot)
    dataset, test = study.splits(args)
    rates, work = {}, {}
    for rule in args.rules:
        model = f"{'event' if rule == 'event' else 'mlp'}:{args.layers}"
        run = train(
            model, dataset, rule=rule, steps=args.steps, epochs=args.epochs, seed=args.seed, test=test
        )
        found = measure_activity(run.module, test, args.steps)
        show(f"{rule}, {run.info.last_test_accuracy:.2%} accuracy, T={args.steps}", found)
        rates[rule] = {i: one.firing_rate for i, one in enumerate(found.neurons, 1)}
        work[rule] = {i: one.effective_acs + one.effective_macs for i, one in enumerate(found.synapses, 1)}
    panels = (
        pictures.Panel("firing rate", "layer of neurons", "spikes per neuron and step", rates),
        pictures.Panel("synaptic operations", "layer of synapses", "operations per sample", work, log_y=True),
    )
    pictures.draw(args.plot, panels)


if __name__ == "__main__":
    study.run(main)
