"""What a run is, checked and written down before any work."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np
import torch

from neurodeploy import __version__
from neurodeploy.data import Dataset, check_labels
from neurodeploy.errors import UsageError
from neurodeploy.models import build, check_input_shape
from neurodeploy.training.augment import check as check_changes
from neurodeploy.training.config import TrainConfig
from neurodeploy.training.rule import Rule
from neurodeploy.training.rules import check_steps, find_rule
from neurodeploy.training.run_folder import RunInfo
from neurodeploy.training.start import Start

FINE_TUNING = 0.1
"""Share of a rule's learning rate with which trained weights get used to their rounding: 784-256-10 and two epochs on
Fashion-MNIST give 87.2 % at 4 bits and 86.7 % at 2, where the whole rate gives 86.4 % and 85.6 % (float 86.9 %)."""


def describe(
    model: str,
    dataset: Dataset,
    test: Dataset | None,
    rule: str,
    steps: int,
    epochs: int,
    config: TrainConfig,
    seed: int,
    start: Start | None = None,
) -> RunInfo:
    """Check everything before any work, and write it down with all defaults resolved."""
    module, chosen = build(model, device="meta"), find_rule(rule)
    if not 0 <= seed < 2**63:
        raise UsageError(f"the seed must be in 0..2^63-1, not {seed}")
    if epochs < 1:
        raise UsageError(f"the number of epochs must be 1 or more, not {epochs}")
    for data in (dataset, test):
        if data is not None:
            check_steps(steps, data.steps)
            check_input_shape(module, data.shape)
            check_labels(data, module.spec.classes)
    if start:
        start.check_model(str(module.spec))
    check_changes(config.augment, dataset.shape)
    chosen.learner(module, config.preset, config.options)
    rate = config.learning_rate or _default_rate(chosen, config, start)
    options = asdict(chosen.choose(config.preset, config.options))
    config = msgspec.structs.replace(config, learning_rate=rate, options=options)
    return RunInfo(
        model=str(module.spec),
        data=dataset.spec,
        data_sha256=dataset.sha256(),
        test_data=test.spec if test else None,
        input_shape=dataset.shape,
        time_axis=dataset.time_axis,
        classes=module.spec.classes,
        rule=rule,
        steps=steps,
        seed=seed,
        start_sha256=start.sha256 if start else None,
        epochs=epochs,
        config=config,
        versions={
            "neurodeploy": __version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
        },
    )


def check_same(saved: RunInfo, wanted: RunInfo) -> None:
    """Raise `UsageError` naming the first setting in which a resumed run differs."""
    free = {
        "versions",
        "device",
        "processes",
        "interrupted",
        "gradients",
        "status",
        "epochs_done",
        "last_test_accuracy",
        "best_test_accuracy",
        "files",
        "config",
    }
    names = [name for name in RunInfo.__struct_fields__ if name not in free]
    pairs = [(name, getattr(saved, name), getattr(wanted, name)) for name in names]
    pairs += [
        (f"config.{name}", getattr(saved.config, name), getattr(wanted.config, name))
        for name in TrainConfig.__struct_fields__
    ]
    for name, before, now in pairs:
        if before != now:
            raise UsageError(
                f"cannot resume: {name} was {before!r}, now {now!r}. Use the same, or another RUN"
            )


def _default_rate(rule: Rule[Any], config: TrainConfig, start: Start | None) -> float:
    rate = rule.learning_rates[config.optimizer.removesuffix("w")]
    return FINE_TUNING * rate if start and config.quantize else rate
