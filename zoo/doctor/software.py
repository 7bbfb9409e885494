"""Python and the libraries that zoo stands on."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from registry import ZooError
from zoo.doctor.finding import FAILED, NOTE, OK, Finding

_AREA = "software"

_EXTRAS = {
    "onnxruntime": ("onnx", "zoo predict and eval run networks with ONNX Runtime"),
    "torch": ("torch", "zoo convert reads PyTorch files"),
    "pymatting": ("foreground", "zoo data prepare estimates foregrounds"),
}
"""Library of an extra -> the extra, and what it is for."""


def findings() -> Iterator[Finding]:
    """Python, every library that zoo requires, and those of the extras."""
    yield _python()
    for line in requires("matting-zoo") or ():
        if "extra ==" not in line:
            yield _required(line)
    for library, (extra, purpose) in _EXTRAS.items():
        found = _version(library)
        if found:
            yield Finding(_AREA, library, OK, f"{found}: {purpose}")
        else:
            yield Finding(_AREA, library, NOTE, "not installed", f'pip install "matting-zoo[{extra}]": {purpose}')


def _python() -> Finding:
    from packaging.specifiers import SpecifierSet

    here, wanted = platform.python_version(), metadata("matting-zoo")["Requires-Python"]
    text = f"{here} at {sys.executable}"
    if SpecifierSet(wanted).contains(here):
        return Finding(_AREA, "python", OK, text)
    return Finding(_AREA, "python", FAILED, text, f"use a Python {wanted}: MindSpore has no wheels for others")


def _required(line: str) -> Finding:
    """A library named by a requirement, ``numpy<2,>=1.25``: installed, in its bounds, and can be imported."""
    from packaging.requirements import Requirement

    wanted = Requirement(line)
    name = wanted.name
    install = f'pip install "{name}{wanted.specifier}"'
    found = _version(name)
    if name == "opencv-python":
        name, found = next(((n, v) for n in (name, f"{name}-headless") if (v := _version(n))), (name, ""))
    if not found:
        return Finding(_AREA, name, FAILED, "not installed", install)
    if not wanted.specifier.contains(found, prereleases=True):
        return Finding(_AREA, name, FAILED, f"{found}, but zoo needs {wanted.specifier}", install)
    if name.startswith("opencv"):
        try:
            importlib.import_module("zoo.data.opencv")
        except ZooError as error:
            text, _, advice = str(error).partition(". Run: ")
            return Finding(_AREA, name, FAILED, f"{found}: {text}", advice)
    return Finding(_AREA, name, OK, found)


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
