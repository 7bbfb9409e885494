"""Whether MindSpore runs on the device that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from registry import ZooError
from zoo.doctor.finding import FAILED, OK, Finding

_AREA = "device"


def findings(device: str | None) -> Iterator[Finding]:
    """MindSpore starts there, and one small product of matrices comes out right.

    Args:
        device: Value of ``--device``.

    Raises:
        UsageError: There is no such device.
    """
    from zoo.engine import device as devices

    wanted = devices.parse(device)
    try:
        started = devices.start(str(wanted))
        _multiply()
    except ZooError as error:
        yield Finding(_AREA, str(wanted), FAILED, str(error), _advice(wanted.target))
        return
    except Exception as error:
        text = str(error).strip().splitlines()
        reason = f"the first operator failed: {text[0] if text else type(error).__name__}"
        yield Finding(_AREA, str(wanted), FAILED, reason, _advice(wanted.target))
        return
    yield Finding(_AREA, str(started), OK, "MindSpore starts, and a product of matrices is right")
    if started.target == "CPU":
        yield _instructions()


def _instructions() -> Finding:
    from zoo.engine.instruction_set import CAP, VARIABLE, chosen

    choice = chosen()
    held = f"held to {choice.cap} by {'zoo' if choice.by_zoo else 'the user'}" if choice.cap else "not held back"
    text = f"{held}: {choice.reason}; convolutions run on {choice.kernel or 'a kernel that cannot be asked for'}"
    if choice.is_slow:
        advice = f"unset {VARIABLE}" if choice.cap and not choice.by_zoo else f"set {VARIABLE}={CAP}"
        return Finding(_AREA, "oneDNN", FAILED, f"{text}, a reference kernel, up to a hundred times slower", advice)
    return Finding(_AREA, "oneDNN", OK, text)


def _multiply() -> None:
    """
    Raises:
        ZooError: The product is wrong.
    """
    import mindspore as ms
    from mindspore import ops

    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 64, 64)).astype(np.float32)
    found = ops.matmul(ms.Tensor(left), ms.Tensor(right)).asnumpy()
    worst = float(np.abs(found - left @ right).max())
    if not worst < 0.1:  # a GPU may round to TensorFloat-32; not a number is wrong too
        raise ZooError(f"a product of 64 x 64 matrices is wrong by {worst:g}")


def _advice(target: str) -> str:
    if target == "CPU":
        return "install MindSpore again: pip install --force-reinstall --no-deps mindspore"
    return f"leave out --device {target}: everything runs on the CPU"
