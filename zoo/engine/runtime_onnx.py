"""ONNX Runtime as what runs a network: one session, any batch and size, no MindSpore."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from registry import ZooError
from zoo.export.extra import require_onnxruntime

_CUDA = "CUDAExecutionProvider"

CUDA_INSTALL = 'pip uninstall onnxruntime && pip install "matting-zoo[onnx-gpu]"'
"""The two packages of ONNX Runtime lie in one folder, so that only one of them may be installed."""


class Session:
    """An ONNX file in ONNX Runtime, on the CPU or on an NVIDIA card.

    Args:
        source: The file, or its bytes.
        card: Number of the card; None: the CPU.

    Attributes:
        name: How reports name it.
        opened_s: Seconds that opening took: reading, and the optimisation of the graph.

    Raises:
        UsageError: The package ``onnxruntime`` is not installed.
        ZooError: It is no ONNX file that this version can run, or the card cannot be used.
    """

    name = "onnxruntime"

    def __init__(self, source: Path | bytes, card: int | None = None) -> None:
        require_onnxruntime()
        import onnxruntime

        started = time.perf_counter()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.log_severity_level = 4  # what goes wrong is raised too
        # Plans of memory are kept for each input size; pictures come in many.
        options.enable_mem_pattern = False
        given = str(source) if isinstance(source, Path) else source
        providers: list[object] = ["CPUExecutionProvider"]
        if card is not None:
            onnxruntime.preload_dlls()  # CUDA and cuDNN from the wheels of its extras, if these are installed
            # In whole float32: what it answers is held against MindSpore's alphas.
            providers.insert(0, (_CUDA, {"device_id": card, "use_tf32": 0}))
            self.name = f"{self.name} on GPU:{card}"
        try:
            self._session = onnxruntime.InferenceSession(given, options, providers=providers)
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise ZooError(f"ONNX Runtime {onnxruntime.__version__} cannot open the network: {reason}") from error
        if card is not None and _CUDA not in self._session.get_providers():  # it would run on the CPU without a word
            raise ZooError(
                f"ONNX Runtime {onnxruntime.__version__} cannot use GPU:{card}: its CUDA provider does not load; "
                f"{CUDA_INSTALL} brings what it needs beside NVIDIA's driver"
            )
        self._input = self._session.get_inputs()[0].name
        self.opened_s = time.perf_counter() - started

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """The network's answer, (N, 1, h, w) float32, to its input, (N, 3, h, w) float32 normalised."""
        answer: np.ndarray = self._session.run(None, {self._input: np.ascontiguousarray(planes)})[0]
        return answer

    @property
    def texts(self) -> dict[str, str]:
        """What the file says of itself."""
        found: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found


def threads() -> int:
    """Threads of a network: one for each processor that this process may use, as MindSpore takes them.

    ONNX Runtime's own choice counts the machine's cores, whatever the process is allowed.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
