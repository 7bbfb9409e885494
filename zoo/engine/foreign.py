"""Weight files of other frameworks as names and arrays: PyTorch, safetensors, ONNX. No code from a file ever runs.

The format is told by a file's first bytes, never by its name, since ``.ckpt`` is what everybody calls a checkpoint.

    50 4b 03 04                     zip       PyTorch since 1.6
    80 02 8a 0a 6c fc 9c 46 ..      pickle    PyTorch before that
    <8 bytes: length n> 7b ({)                safetensors
    08 <version>                    protobuf  ONNX
    0a                              protobuf  MindSpore, so zoo's own
"""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np

from registry import NotFoundError, UsageError, ZooError

PYTORCH, SAFETENSORS, ONNX, MINDSPORE = "PyTorch", "safetensors", "ONNX", "MindSpore"

_ZIP = b"PK\x03\x04"
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""Pickle protocol 2 and the magic number 0x1950a86a20f9469cfc6c, which torch.save wrote first (torch/serialization)."""

_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))

_SAFE_TORCH = (2, 10)
"""The first PyTorch whose weights-only loading holds: before 2.6 a file could run code (CVE-2025-32434), before 2.10
overwrite memory (CVE-2026-24747)."""

_WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net", "params")
"""Where training scripts put the state beside epoch, optimizer and so on; the first that is a mapping is taken."""


@dataclass(frozen=True)
class ForeignFile:
    """What a weight file holds.

    Attributes:
        path: The file.
        format: ``PyTorch``, ``safetensors`` or ``ONNX``.
        size: Its size in bytes.
        sha256: Hex digest of the file.
        arrays: Every tensor by the name it has there; bfloat16, which NumPy lacks, as float32.
        dtypes: The dtype each has in the file.
        wrapper: Keys under which a PyTorch file keeps its state, ``"state_dict"`` for example; empty: none.
        left_out: Names of what lies beside the tensors and is not weights (epoch, optimizer, ...).
    """

    path: Path
    format: str
    size: int
    sha256: str
    arrays: Mapping[str, np.ndarray]
    dtypes: Mapping[str, str]
    wrapper: str = ""
    left_out: tuple[str, ...] = ()


def recognise(head: bytes) -> str | None:
    """The format of a file by its first bytes (16 do), None for any that zoo does not know.

    ONNX and MindSpore begin with a single telling byte, so for these two it is a guess to be confirmed by reading.
    """
    if head.startswith((_ZIP, *_PICKLES)):
        return PYTORCH
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return SAFETENSORS
    if len(head) > 1 and head[0] == 0x08 and 0 < head[1] < 0x80:
        return ONNX
    return MINDSPORE if head.startswith(b"\x0a") else None


def recognise_file(path: Path) -> str | None:
    """`recognise` for a file, None too if it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return recognise(stream.read(16))
    except OSError:
        return None


def read(path: Path) -> ForeignFile:
    """Read a weight file.

    Args:
        path: The file, under any name.

    Raises:
        NotFoundError: No such file.
        UsageError: A folder, or a checkpoint of zoo.
        ZooError: The file is torn, damaged, of no known format, holds objects besides tensors, or needs an extra
            that is not installed.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name the weight file in it")
    if not path.is_file():
        raise NotFoundError(f"no file {path}")
    data = path.read_bytes()
    if not data:
        raise ZooError(f"{path} is empty")
    kind = recognise(data[:16])
    if kind is None or _looks_like(data):
        what = _looks_like(data) or "of no format zoo knows"
        raise ZooError(f"{path} is {what}; zoo converts PyTorch, safetensors and ONNX files")
    if kind == MINDSPORE:
        raise _own(path)
    held = _READERS[kind](data, str(path))
    if not held.arrays:
        raise ZooError(f"{path} holds no tensors")
    return ForeignFile(
        path=path,
        format=kind,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        arrays=MappingProxyType(held.arrays),
        dtypes=MappingProxyType(held.dtypes),
        wrapper=held.wrapper,
        left_out=held.left_out,
    )


@dataclass(frozen=True)
class _Held:
    """What a reader finds; as in `ForeignFile`."""

    arrays: dict[str, np.ndarray]
    dtypes: dict[str, str]
    wrapper: str = ""
    left_out: tuple[str, ...] = ()


def _looks_like(data: bytes) -> str | None:
    """What came instead of a weight file, of the downloads that commonly go wrong."""
    start = data[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, not the weight file (a download page, saved instead of what it offers?)"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the weight file (git lfs pull fetches it)"
    return None


def _own(path: Path) -> ZooError:
    """Why a file that begins as MindSpore's do is not converted."""
    from zoo.engine import checkpoint

    try:
        saved = checkpoint.read(path, whole=False)
    except ZooError as error:
        return ZooError(f"{error}; zoo converts PyTorch, safetensors and ONNX files")
    text = f"{path} is a checkpoint of zoo already, of model {saved.meta['model']!r}: there is nothing to convert"
    return UsageError(text)


# --- PyTorch ---------------------------------------------------------------------------------------


def _read_torch(data: bytes, origin: str) -> _Held:
    if data.startswith(_ZIP):
        _check_zip(data, origin)
    elif not data.startswith(_LEGACY):
        raise ZooError(f"{origin} is a plain Python pickle, which zoo never loads; save a state_dict() with torch.save")
    torch = _torch()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch warns of here, it also raises where it matters
            loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ZooError(_unsafe(origin, str(error))) from error
    except Exception as error:
        raise ZooError(f"{origin} is torn or damaged: PyTorch cannot read it ({_first_line(error)})") from error
    state, wrapper, left_out = _state(torch, loaded, origin)
    arrays, dtypes = {}, {}
    for name, tensor in state.items():
        arrays[name] = _torch_array(torch, tensor, f"{origin}: {name}")
        dtypes[name] = str(tensor.dtype).removeprefix("torch.")
    return _Held(arrays, dtypes, wrapper, left_out)


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise ZooError(_needs("a PyTorch file", "torch")) from error
    version = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
    if version < _SAFE_TORCH:
        raise ZooError(
            f"PyTorch {torch.__version__} can be made to run code by a weight file (CVE-2025-32434, CVE-2026-24747): "
            "pip install 'torch>=2.10'"
        )
    return torch


def _needs(what: str, extra: str) -> str:
    return f"{what} needs the extra [{extra}]: pip install 'matting-zoo[{extra}]'"


def _check_zip(data: bytes, origin: str) -> None:
    """Refuse what PyTorch itself would take or choke on: it skips checksums, and follows a zip bomb.

    Raises:
        ZooError: No PyTorch checkpoint, or a damaged one.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > len(data):
                raise ZooError(f"{origin} unpacks to more than its size, which no file of PyTorch does")
            torn = archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ZooError(f"{origin} is torn: the zip archive that PyTorch writes is incomplete ({error})") from error
    if torn is not None:
        raise ZooError(f"{origin} is damaged: {torn} in it does not match its checksum")
    names = {entry.filename.partition("/")[2] for entry in entries}
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise ZooError(f"{origin} is a TorchScript archive, which is a program; convert the state_dict() it came from")
    if "data.pkl" not in names:
        raise ZooError(f"{origin} is a zip archive, but no PyTorch checkpoint")


def _unsafe(origin: str, text: str) -> str:
    found = re.search(r"(?:GLOBAL|Unsupported class|Unsupported global:?) +(?:GLOBAL )?([\w.]+)", text)
    what = f"Python objects besides tensors ({found[1]})" if found else "something besides tensors"
    return (
        f"{origin} holds {what}; loading those can run code, so zoo refuses. If you trust the file, load it in "
        "PyTorch, save its state_dict() alone, and convert that"
    )


def _state(torch: Any, loaded: Any, origin: str) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """The tensors by name, the keys they lay under, and the names of everything else."""
    wrapper, beside = [], []
    while isinstance(loaded, Mapping):
        key = next((key for key in _WRAPPERS if isinstance(loaded.get(key), Mapping)), None)
        if key is None:
            break
        wrapper.append(key)
        beside += [str(name) for name in loaded if name != key]
        loaded = loaded[key]
    if not isinstance(loaded, Mapping):
        raise ZooError(f"{origin} holds a {type(loaded).__name__}, not names and tensors")
    state = {str(name): value for name, value in loaded.items() if isinstance(value, torch.Tensor)}
    if not state:
        names = ", ".join(sorted(map(str, loaded))[:8])
        raise ZooError(
            f"{origin} holds no tensors by name, neither itself nor under {', '.join(_WRAPPERS)}; it has {names}"
        )
    beside += [str(name) for name in loaded if str(name) not in state]
    return state, ".".join(wrapper), tuple(beside)


def _torch_array(torch: Any, tensor: Any, origin: str) -> np.ndarray:
    tensor = tensor.detach()
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta:
        raise ZooError(f"{origin} is no plain array (sparse, quantised or without data)")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        # A stride of 0 makes petabytes of four bytes, and the copy would be real.
        raise ZooError(f"{origin} repeats a smaller tensor (expand); save it with contiguous()")
    try:
        array: np.ndarray = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    except (TypeError, RuntimeError) as error:
        raise ZooError(f"{origin} has dtype {tensor.dtype}, which zoo does not convert") from error
    return array


# --- safetensors -----------------------------------------------------------------------------------

_SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?", "BF16": "<u2",
}  # fmt: skip
"""dtypes of the format and how their bytes are read."""


def _read_safetensors(data: bytes, origin: str) -> _Held:
    import safetensors

    try:
        entries = safetensors.deserialize(data)
    except Exception as error:
        raise ZooError(f"{origin} is torn or damaged: no whole safetensors file ({_first_line(error)})") from error
    arrays, dtypes = {}, {}
    for name, entry in entries:
        kind = entry["dtype"]
        if kind not in _SAFETENSORS:
            raise ZooError(f"{origin}: {name} has dtype {kind}, which zoo does not convert")
        array = np.frombuffer(entry["data"], _SAFETENSORS[kind]).reshape(entry["shape"])
        arrays[name] = _from_bfloat16(array) if kind == "BF16" else array
        dtypes[name] = "bfloat16" if kind == "BF16" else array.dtype.name
    return _Held(arrays, dtypes)


def _from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """bfloat16 is the upper half of a float32: (...) uint16 -> (...) float32, exactly."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


# --- ONNX ------------------------------------------------------------------------------------------


def _read_onnx(data: bytes, origin: str) -> _Held:
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise ZooError(_needs("an ONNX file", "onnx")) from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:
        raise ZooError(f"{origin} is torn, or no ONNX file after all ({_first_line(error)})") from error
    if not model.graph.node:
        raise ZooError(f"{origin} is torn, or no ONNX file after all (it has no graph)")
    arrays, dtypes = {}, {}
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            # A second file would be outside the digest, and its path is the sender's choice.
            raise ZooError(
                f"{origin} keeps its weights in another file; make it one: onnx.save(onnx.load('A.onnx'), 'B.onnx')"
            )
        try:
            array = numpy_helper.to_array(tensor)
        except Exception as error:
            raise ZooError(f"{origin}: {tensor.name} cannot be read ({_first_line(error)})") from error
        dtypes[tensor.name] = array.dtype.name
        arrays[tensor.name] = array.astype(np.float32) if array.dtype.name == "bfloat16" else array
    return _Held(arrays, dtypes)


def _first_line(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return text.split(". ")[0].rstrip(".")


_READERS: Mapping[str, Callable[[bytes, str], _Held]] = {
    PYTORCH: _read_torch,
    SAFETENSORS: _read_safetensors,
    ONNX: _read_onnx,
}
