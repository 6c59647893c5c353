"""How near the gradients of a rule are to those of back-propagation through time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from neurodeploy.training.analysis.reference import reference_options
from neurodeploy.training.rule import OptionValue
from neurodeploy.training.rules import gradients

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two gradients g (of a rule) and r (of BPTT), any shapes, as one vector each.

        cosine = g . r / (|g| |r|)        norm_ratio = |g| / |r|

    None where it is not defined: the cosine if either is zero, the ratio if r is.
    """

    cosine: float | None
    norm_ratio: float | None


@dataclass(frozen=True, slots=True)
class GradientComparison:
    """A rule's gradients of one batch against BPTT's.

    `whole` is that of all parameters together; `layers` puts a layer's parameters together, `parameters` has
    them one by one, both in the network's order.
    """

    rule: str
    steps: int
    samples: int
    whole: Agreement
    layers: dict[str, Agreement]
    parameters: dict[str, Agreement]

    def to_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return asdict(self)


def compare_gradients(
    module: torch.nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    rule: str,
    steps: int,
    *,
    time_axis: bool = False,
    preset: str = "recommended",
    **options: OptionValue,
) -> GradientComparison:
    """Cosine and norm ratio of a rule's gradients of one batch to BPTT's; nothing is updated.

    x: static `(N, *shape)`, or with `time_axis` `(T, N, *shape)`, T = `steps`; y int64 `(N,)`. BPTT has the
    rule's loss (OTTT: at every step; rate: of the mean output), surrogate and treatment of the reset, so what
    differs is the approximation alone. Source: Xiao et al., NeurIPS 2022 (OTTT), theorem 1; Yu et al., NeurIPS
    2024 (arXiv 2410.11488), figure 3 (d).

    Raises what `neurodeploy.training.gradients` raises, and `UnsupportedError` for the rule 'event'.
    """
    exact = reference_options(rule, preset, options)
    found = gradients(module, x, y, rule, steps, time_axis=time_axis, preset=preset, **options).gradients
    wanted = gradients(
        module, x, y, "bptt", steps, time_axis=time_axis, preset="recommended", **exact
    ).gradients
    names = [name for name, _ in module.named_parameters() if name in wanted]
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    return GradientComparison(
        rule,
        steps,
        len(y),
        agreement(found, wanted, names),
        {layer: agreement(found, wanted, own) for layer, own in layers.items()},
        {name: agreement(found, wanted, [name]) for name in names},
    )


def agreement(found: Tensors, wanted: Tensors, names: Iterable[str]) -> Agreement:
    """That of the tensors of these names, put together, in double precision."""
    g, r = (torch.cat([by_name[n].double().flatten() for n in names]) for by_name in (found, wanted))
    norm, reference = float(g.norm()), float(r.norm())
    cosine = float(g @ r) / (norm * reference) if norm and reference else None
    return Agreement(cosine, norm / reference if reference else None)
