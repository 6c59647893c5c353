"""Synapses: what turns spikes into currents, with their gradients written out.

A layer is its own tensor of weights, or one that its `effective_weight()` computes from its parameters (as
scaled weight standardisation does). Then the gradient is gathered for the effective weight, and handed on to
the parameters once at the end.
"""

from __future__ import annotations

import torch
from torch.nn.grad import conv2d_input, conv2d_weight

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.modules import LearnedScale, ScaledWSConv2d


class Synapse:
    """I = W h + b; `weight` is the effective one as of the last `refresh()`."""

    def __init__(self, name: str, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self.name, self.weight, self.bias = name, weight, bias

    def refresh(self) -> None:
        """Compute the effective weight anew, after parameters have changed; differentiable by them."""

    def current(self, h: torch.Tensor) -> torch.Tensor:
        """I of the input h."""
        raise NotImplementedError

    def input_gradient(self, delta: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """dL/dh, of `shape`, from delta = dL/dI."""
        raise NotImplementedError

    def weight_gradient(self, delta: torch.Tensor, trace: torch.Tensor) -> torch.Tensor:
        """dL/dW from delta = dL/dI and the input or its trace."""
        raise NotImplementedError

    def add_weight_gradient(self, total: torch.Tensor, delta: torch.Tensor, trace: torch.Tensor) -> None:
        """Add dL/dW to `total`."""
        total += self.weight_gradient(delta, trace)

    def bias_gradient(self, delta: torch.Tensor) -> torch.Tensor:
        """dL/db: delta summed over all axes but the channels."""
        return delta.sum([axis for axis in range(delta.ndim) if axis != 1])

    def parameter_gradients(self, weight: torch.Tensor, bias: torch.Tensor | None) -> dict[str, torch.Tensor]:
        """Gradients by parameter name, from those of the effective weight and of the bias."""
        found = self._weight_gradients(weight)
        if bias is not None:
            found[f"{self.name}.bias"] = bias
        return found

    def _weight_gradients(self, gradient: torch.Tensor) -> dict[str, torch.Tensor]:
        return {f"{self.name}.weight": gradient}


class Dense(Synapse):
    """All to all: h `(N, in)` -> I `(N, out)`, weight `(out, in)`."""

    def __init__(self, name: str, module: torch.nn.Linear) -> None:
        super().__init__(name, module.weight, module.bias)

    def current(self, h: torch.Tensor) -> torch.Tensor:
        """I of the input h."""
        return torch.nn.functional.linear(h, self.weight, self.bias)

    def input_gradient(self, delta: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """dL/dh = delta W."""
        return delta @ self.weight

    def weight_gradient(self, delta: torch.Tensor, trace: torch.Tensor) -> torch.Tensor:
        """dL/dW = delta^T trace."""
        return delta.t() @ trace

    def add_weight_gradient(self, total: torch.Tensor, delta: torch.Tensor, trace: torch.Tensor) -> None:
        """Add dL/dW to `total`."""
        total.addmm_(delta.t(), trace)


class Convolution(Synapse):
    """h `(N, in, H, W)` -> I `(N, out, H', W')`, weight `(out, in / groups, kH, kW)`."""

    def __init__(self, name: str, module: torch.nn.Conv2d) -> None:
        if module.padding_mode != "zeros" or isinstance(module.padding, str):
            raise UnsupportedError(
                f"layer {name!r} (Conv2d): only zeros in a padding given as numbers can be trained, not "
                f"padding={module.padding!r}, padding_mode={module.padding_mode!r}"
            )
        self._stride, self._padding = module.stride, module.padding
        self._dilation, self._groups = module.dilation, module.groups
        self._module = module
        super().__init__(name, module.weight, module.bias)

    def refresh(self) -> None:
        """Compute the effective weight anew, after parameters have changed; differentiable by them."""
        if isinstance(self._module, ScaledWSConv2d):
            self.weight = self._module.effective_weight()

    def current(self, h: torch.Tensor) -> torch.Tensor:
        """I of the input h."""
        return torch.nn.functional.conv2d(
            h, self.weight, self.bias, self._stride, self._padding, self._dilation, self._groups
        )

    def input_gradient(self, delta: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """dL/dh: delta through the transposed convolution."""
        return conv2d_input(  # type: ignore[no-untyped-call,no-any-return]
            list(shape), self.weight, delta, self._stride, self._padding, self._dilation, self._groups
        )

    def weight_gradient(self, delta: torch.Tensor, trace: torch.Tensor) -> torch.Tensor:
        """dL/dW: trace correlated with delta."""
        size = list(self.weight.shape)
        return conv2d_weight(  # type: ignore[no-untyped-call,no-any-return]
            trace, size, delta, self._stride, self._padding, self._dilation, self._groups
        )

    def _weight_gradients(self, gradient: torch.Tensor) -> dict[str, torch.Tensor]:
        if not isinstance(self._module, ScaledWSConv2d):
            return super()._weight_gradients(gradient)
        with torch.enable_grad():
            effective = self._module.effective_weight()
            parameters = (self._module.weight, self._module.gain)
            weight, gain = torch.autograd.grad(effective, parameters, gradient)
        return {f"{self.name}.weight": weight, f"{self.name}.gain": gain}


class FeedbackConvolution(Convolution):
    """I = W up(h) + b, up: every value repeated `factor` times on both axes.

    h `(N, in, H, W)` -> I `(N, out, H', W')` as of a convolution of `(N, in, factor H, factor W)`. The trace is that of
    h, which is smaller by factor^2.
    """

    def __init__(self, name: str, module: torch.nn.Conv2d, factor: int) -> None:
        super().__init__(name, module)
        self._factor = factor

    def _up(self, h: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(h, scale_factor=self._factor, mode="nearest")

    def current(self, h: torch.Tensor) -> torch.Tensor:
        """I of the input h."""
        return super().current(self._up(h))

    def input_gradient(self, delta: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """dL/dh: delta through the transposed convolution, then added over each value's places."""
        height, width = shape[2] * self._factor, shape[3] * self._factor
        large = super().input_gradient(delta, torch.Size((*shape[:2], height, width)))
        return torch.nn.functional.avg_pool2d(large, self._factor, divisor_override=1)

    def weight_gradient(self, delta: torch.Tensor, trace: torch.Tensor) -> torch.Tensor:
        """dL/dW: the repeated trace correlated with delta."""
        return super().weight_gradient(delta, self._up(trace))


class Gain(Synapse):
    """One learnable number for all: I = factor * gain * h, gain `(1,)`, any shape; `weight` is the gain."""

    def __init__(self, name: str, module: LearnedScale) -> None:
        super().__init__(name, module.gain, None)
        self._factor = module.factor

    def current(self, h: torch.Tensor) -> torch.Tensor:
        """I of the input h."""
        return h * (self.weight * self._factor)

    def input_gradient(self, delta: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """dL/dh = factor * gain * delta."""
        return delta * (self.weight * self._factor)

    def weight_gradient(self, delta: torch.Tensor, trace: torch.Tensor) -> torch.Tensor:
        """dL/dgain = factor * sum(delta * trace)."""
        return (delta * trace).sum().reshape(1) * self._factor

    def _weight_gradients(self, gradient: torch.Tensor) -> dict[str, torch.Tensor]:
        return {f"{self.name}.gain": gradient}
