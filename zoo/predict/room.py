"""How much is held at once: pictures that are read, answered and written side by side must not fill the memory."""

from __future__ import annotations

import threading

PIXELS = 48_000_000
"""Of all pictures between reading and writing: two of 24 megapixels. Of small ones the stages hold less anyway."""


class Room:
    """Pixels that may be held at once. One picture is always let in, whatever its size.

    Those that hold room must be able to go on without the ones that wait for it.

    Args:
        pixels: How many.
    """

    def __init__(self, pixels: int = PIXELS) -> None:
        self._pixels, self._held = pixels, 0
        self._changed = threading.Condition()
        self._closed = False

    def take(self, pixels: int) -> None:
        """Wait until there is room, and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + pixels <= self._pixels or self._closed)
            self._held += pixels

    def give(self, pixels: int) -> None:
        """Give room back."""
        with self._changed:
            self._held -= pixels
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody in: the work is given up, and nobody may wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
