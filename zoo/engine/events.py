"""Event files as TensorBoard reads them, written at once instead of by a thread.

`tensorboardX.SummaryWriter` hands what it is given to a thread. When the disk is full that thread dies with a
traceback of its own, and the training waits for it for good. So this uses tensorboardX's messages and checksum only.

A file is a row of records (the TFRecord format):

    length        8 bytes, little-endian
    its CRC       4 bytes, masked CRC-32C
    message       ``tensorboardX.proto.event_pb2.Event``
    its CRC       4 bytes
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Events:
    """A new event file in a run folder.

    Args:
        folder: The run folder.
        after_step: Events after this step in the files that are there already count no more: TensorBoard drops them.

    Attributes:
        path: The file.

    Raises:
        OSError: It cannot be written; so do all methods.
    """

    def __init__(self, folder: Path, after_step: int) -> None:
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        earlier = len(list(folder.glob("events.out.tfevents.*")))
        # TensorBoard reads the files of a folder in the order of their names. The count tells two of one second apart.
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{earlier:04d}"
        self.path = folder / name
        self._file = open(self.path, "xb")  # noqa: SIM115 - closed by `close`
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        if earlier:
            start = SessionLog(status=SessionLog.START)
            self._write(Event(wall_time=time.time(), step=after_step + 1, session_log=start))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers by name."""
        self._add(step, [{"tag": name, "simple_value": value} for name, value in values.items()])

    def image(self, step: int, name: str, png: bytes, height: int, width: int) -> None:
        """An RGB picture as a PNG file."""
        content = {"encoded_image_string": png, "height": height, "width": width, "colorspace": 3}
        self._add(step, [{"tag": name, "image": content}])

    def text(self, step: int, name: str, text: str) -> None:
        """A text; TensorBoard takes it for Markdown."""
        from tensorboardX.summary import text as text_summary

        self._add(step, text_summary(name, text).value)

    def close(self) -> None:
        """Close the file, also where its last record cannot be written any more."""
        self._file.close()

    def _add(self, step: int, values: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def _write(self, event: Any) -> None:
        from tensorboardX.record_writer import masked_crc32c

        message = event.SerializeToString()
        length = struct.pack("<Q", len(message))
        crcs = (struct.pack("<I", masked_crc32c(part)) for part in (length, message))
        self._file.write(length + next(crcs) + message + next(crcs))
        self._file.flush()  # a killed run keeps every event
