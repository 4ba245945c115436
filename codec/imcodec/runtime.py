"""onnxruntime: one session, one thread, its exceptions as ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from imcodec.errors import RuntimeFailureError

#: floats that the widest layer may have in one call; with some to spare for inputs and outputs
CHUNK_FLOATS = 2**18


def chunk_size(widest: int) -> int:
    """Points in one call: a power of two, so that vectors and blocks always come out even."""
    return 1 << max(8, min(14, (CHUNK_FLOATS // widest).bit_length() - 1))


class Session:
    """A model, loaded and ready to run."""

    def __init__(self, model: bytes, *, stock: bool = False) -> None:
        """Raises RuntimeFailureError. `stock`: as a stranger would load it, nothing set."""
        options = ort.SessionOptions()
        if not stock:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime has many kinds
            raise RuntimeFailureError(f"onnxruntime cannot load the model: {error}") from error

    def run(self, outputs: list[str], inputs: Mapping[str, Any]) -> list[NDArray[Any]]:
        """The outputs of these names. Raises RuntimeFailureError from what the runtime raises.

        `inputs` are arrays, all of them C-contiguous: they are not copied.
        """
        try:
            found: list[NDArray[Any]] = self._session.run(outputs, inputs)
        except Exception as error:
            raise RuntimeFailureError(f"onnxruntime failed: {error}") from error
        return found
