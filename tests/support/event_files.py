"""A reader of TensorBoard event files, written from the format's description and apart from the writer."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_POLYNOMIAL = 0x82F63B78
"""CRC-32C (Castagnoli), bits reversed; RFC 3720, appendix B.4."""


@dataclass
class Shown:
    """What TensorBoard shows of a run folder: tag -> {step: value}.

    Attributes:
        scalars: Numbers.
        images: PNG files.
        texts: Texts.
        repeats: (tag, step) pairs that are there more than once after purging.
    """

    scalars: dict[str, dict[int, float]] = field(default_factory=dict)
    images: dict[str, dict[int, bytes]] = field(default_factory=dict)
    texts: dict[str, dict[int, str]] = field(default_factory=dict)
    repeats: list[tuple[str, int]] = field(default_factory=list)


def read_events(folder: Path) -> Shown:
    """All event files of a folder in order; a start message purges what came before at its step or later."""
    shown = Shown()
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for event in records(path):
            if event.HasField("session_log"):
                _purge(shown, event.step)
            for value in event.summary.value:
                _take(shown, event.step, value)
    return shown


def records(path: Path) -> list[Any]:
    """The messages of one file; a wrong checksum raises ValueError, a torn end is no error."""
    from tensorboardX.proto.event_pb2 import Event

    data, found = path.read_bytes(), []
    while len(data) >= 12:
        (length,) = struct.unpack("<Q", data[:8])
        message = data[12 : 12 + length]
        if len(data) < 16 + length:
            break
        for part, at in ((data[:8], 8), (message, 12 + length)):
            if struct.unpack("<I", data[at : at + 4])[0] != _masked(part):
                raise ValueError(f"{path}: wrong checksum of record {len(found)}")
        found.append(Event.FromString(message))
        data = data[16 + length :]
    return found


def _purge(shown: Shown, step: int) -> None:
    for kind in (shown.scalars, shown.images, shown.texts):
        for values in kind.values():
            for late in [s for s in values if s >= step]:
                del values[late]


def _take(shown: Shown, step: int, value: Any) -> None:
    kinds = {"simple_value": shown.scalars, "image": shown.images, "tensor": shown.texts}
    name = value.WhichOneof("value")
    content = {
        "simple_value": lambda: value.simple_value,
        "image": lambda: value.image.encoded_image_string,
        "tensor": lambda: value.tensor.string_val[0].decode(),
    }[name]()
    values = kinds[name].setdefault(value.tag, {})
    if step in values:
        shown.repeats.append((value.tag, step))
    values[step] = content


def _masked(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
