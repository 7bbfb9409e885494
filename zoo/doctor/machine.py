"""Processor, memory and folders."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from zoo.doctor.finding import FAILED, NOTE, OK, Finding
from zoo.home import home

_AREA = "machine"

_ENOUGH_MIB = 2048
"""Free memory below which little can be done: a process with MindSpore and a compiled network takes over 1 GB."""


def findings() -> Iterator[Finding]:
    """What the processor is, how much memory is free, whether the cache folder can be written."""
    from zoo.engine.device import describe
    from zoo.engine.memory import free_mib

    about = describe()
    yield Finding(_AREA, "processor", OK, f"{about['processor']}; zoo may use {about['threads']} of its threads")
    free = free_mib()
    if free is None:
        yield Finding(_AREA, "memory", NOTE, "the system does not tell how much is free")
    elif free < _ENOUGH_MIB:
        advice = "close other programs, or train with a smaller train.batch_size and data.crop_size"
        yield Finding(_AREA, "memory", NOTE, f"{free:,.0f} MiB free", advice)
    else:
        yield Finding(_AREA, "memory", OK, f"{free:,.0f} MiB free")
    yield _cache()


def _cache() -> Finding:
    place = home()
    above = next(folder for folder in (place, *place.parents) if folder.exists())
    advice = "set ZOO_HOME to a folder that can be written"
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        return Finding(_AREA, "cache", FAILED, f"{place}: cannot be written ({error.strerror})", advice)
    free = shutil.disk_usage(above).free / 2**30
    used = f", {_gib(place):.1f} GiB in it" if place.exists() else ", not there yet"
    if free < 1:
        return Finding(_AREA, "cache", NOTE, f"{place}{used}: {free:.1f} GiB free on that disk", advice)
    return Finding(_AREA, "cache", OK, f"{place}{used}, {free:.1f} GiB free on that disk")


def _gib(folder: Path) -> float:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(place, name).lstat().st_size
            except OSError:  # gone meanwhile
                continue
    return total / 2**30
