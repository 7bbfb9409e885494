"""TensorFloat-32: how cards from Ampere on multiply float32, with 10 bits of the 23 behind the point.

MindSpore's convolutions use it, as cuDNN and other frameworks do by default, and zoo leaves that as it is: it is what
such a card is fast with. Its rounding is one part in a thousand of each product, so alphas may differ from the
processor's by about as much. Where the same digits count, `off` gives them; for a whole command NVIDIA's own variable
does: ``NVIDIA_TF32_OVERRIDE=0 zoo eval ...``.
"""

from __future__ import annotations

import os

OVERRIDE = "NVIDIA_TF32_OVERRIDE"


def off() -> None:
    """Convolutions and matrix products in whole float32 from here on; before the first operator, on a GPU only."""
    from mindspore.device_context.gpu import op_precision

    op_precision.conv_allow_tf32(False)
    op_precision.matmul_allow_tf32(False)


def is_allowed() -> bool:
    """Whether the environment leaves it on."""
    return os.environ.get(OVERRIDE) != "0"
