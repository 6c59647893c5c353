"""From real numbers to the chip's integers: input grid, weight scales, thresholds, biases, decays."""

from neurodeploy.quant.inputs import InputGrid, input_grid
from neurodeploy.quant.quantize import Quantize
from neurodeploy.quant.weights import QuantizedWeight, quantize_weight

__all__ = ["InputGrid", "Quantize", "QuantizedWeight", "input_grid", "quantize_weight"]
