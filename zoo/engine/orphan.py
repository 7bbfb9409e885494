"""No process of a group outlives its launcher."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

LAUNCHER = "ZOO_LAUNCHER"
"""Variable with the process number of the launcher."""

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of linux/prctl.h."""


def end_with_launcher() -> None:
    """Let the kernel end this process as soon as its launcher is gone, however that ended. Linux only."""
    launcher = os.environ.get(LAUNCHER)
    if launcher is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != int(launcher):  # it went before that
        os.kill(os.getpid(), signal.SIGKILL)
