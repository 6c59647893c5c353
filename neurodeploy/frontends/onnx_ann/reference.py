"""The ANN as it was read, against ONNX's own reference evaluator on real input."""

from __future__ import annotations

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from neurodeploy.errors import InputError
from neurodeploy.frontends.onnx_ann.builder import Ann
from neurodeploy.frontends.onnx_ann.evaluate import evaluate
from neurodeploy.frontends.onnx_ann.file import OnnxFile
from neurodeploy.frontends.onnx_ann.one_line import one_line
from neurodeploy.frontends.onnx_ann.tensors import Array

CHECK_SAMPLES = 2
"""Samples of the check: the reference evaluator computes pools one window after the other."""
TOLERANCE = 1e-4


def check_against_reference(ann: Ann, file: OnnxFile, x: Array) -> None:
    """Every layer must give what the file's tensor is, within 1e-4 of its largest value.

    x `(N, *shape)`, of which two samples are used. Raises `InputError` naming the first layer that differs.
    """
    samples = np.resize(x, (ann.batch or min(len(x), CHECK_SAMPLES), *x.shape[1:])).astype(np.float32)
    names = [name for name in ann.tensors if name != file.input.name]
    reference = dict(zip(names, _reference(file, names, samples), strict=True))
    of_layer: dict[str, list[str]] = {}
    for tensor in names:
        of_layer.setdefault(ann.tensors[tensor], []).append(tensor)
    for layer, ours in evaluate(ann.graph, samples.astype(np.float64)):
        for tensor in of_layer.get(layer, ()):
            _compare(layer, tensor, ours, reference[tensor])


def _compare(layer: str, tensor: str, ours: Array, given: Array) -> None:
    if given.size != ours.size:
        raise InputError(f"layer '{layer}': has shape {ours.shape}, but ONNX's reference gives {given.shape}")
    wrong = np.abs(ours.reshape(-1) - given.astype(np.float64).reshape(-1))
    allowed = TOLERANCE * max(float(np.abs(given).max(initial=0.0)), 1e-30)
    if not (wrong <= allowed).all():
        first = int(np.argmin(wrong <= allowed))
        raise InputError(
            f"layer '{layer}': does not compute what ONNX's reference gives for '{tensor}': "
            f"{int((~(wrong <= allowed)).sum())} of {ours.size} numbers differ by more than {allowed:.3g}, first "
            f"number {first}: {ours.reshape(-1)[first]:.9g} against {given.reshape(-1)[first]:.9g}"
        )


def _reference(file: OnnxFile, names: list[str], x: Array) -> list[Array]:
    model = onnx.ModelProto()
    model.CopyFrom(file.proto)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(file.input.type.tensor_type.elem_type)
    try:
        results = ReferenceEvaluator(model).run(None, {file.input.name: x.astype(dtype)})
    except Exception as error:  # the evaluator may raise anything
        raise InputError(f"ONNX's reference evaluator cannot run the model ({one_line(error)})") from None
    return [np.asarray(result) for result in results]
