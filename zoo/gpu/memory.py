"""Memory of the card that this process uses."""

from __future__ import annotations


def peak_device_mib() -> float | None:
    """The most that tensors took of the card since `forget_peak`, in MiB; None on the CPU."""
    from zoo.engine import device

    if device.start().target == "CPU":
        return None
    import mindspore as ms

    ms.runtime.synchronize()
    return float(ms.runtime.max_memory_allocated()) / 2**20


def forget_peak() -> None:
    """Begin anew with the peak; nothing on the CPU."""
    from zoo.engine import device

    if device.start().target != "CPU":
        import mindspore as ms

        ms.runtime.reset_peak_memory_stats()
