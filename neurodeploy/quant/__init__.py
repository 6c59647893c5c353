"""From real numbers to the chip's integers: input grid, weight scales, thresholds, biases, decays."""

from neurodeploy.quant.inputs import InputGrid, grid_of, input_grid
from neurodeploy.quant.quantize import Quantize
from neurodeploy.quant.weights import Method, QuantizedWeight, quantize_weight

__all__ = ["InputGrid", "Method", "Quantize", "QuantizedWeight", "grid_of", "input_grid", "quantize_weight"]
