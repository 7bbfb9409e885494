"""Pass on what another process says while it speaks, and keep it."""

from __future__ import annotations

import codecs
import os
import sys
import threading
from pathlib import Path


class Relay:
    """A place for another process to write to; what comes there goes to standard error at once, and into a file.

    Where standard error is a terminal, so is this, for the sake of progress bars.

    Args:
        kept: File to keep it in.
    """

    def __init__(self, kept: Path) -> None:
        self._kept, self._silent = kept, False
        self._ear, self.mouth = _terminal() if sys.stderr.isatty() else os.pipe()
        self._thread = threading.Thread(target=self._listen, name="zoo-relay", daemon=True)

    def begin(self) -> None:
        """Listen; call it when the other process has its copy of ``mouth``, which is closed here."""
        os.close(self.mouth)
        self._thread.start()

    def hush(self) -> None:
        """From now on it is kept only."""
        self._silent = True

    def end(self) -> None:
        """Wait for the last words of a process that has ended."""
        # Not for ever: something that it started may live on and hold the other end.
        self._thread.join(timeout=1.0)

    def _listen(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with open(self._kept, "ab", buffering=0) as file:
            while words := self._hear():
                file.write(words)
                if not self._silent:
                    sys.stderr.write(decoder.decode(words))
                    sys.stderr.flush()
        os.close(self._ear)

    def _hear(self) -> bytes:
        try:
            return os.read(self._ear, 65536)
        except OSError:  # how a terminal says that nobody is at its other end
            return b""


def _terminal() -> tuple[int, int]:
    """The two ends of a terminal as wide as ours, which leaves every byte as it is."""
    import fcntl
    import pty
    import termios
    import tty

    ear, mouth = pty.openpty()
    tty.setraw(mouth)
    size = fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, bytes(8))
    fcntl.ioctl(mouth, termios.TIOCSWINSZ, size)
    return ear, mouth
