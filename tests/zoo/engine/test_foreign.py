"""Files of other frameworks: read to the bit, or refused in one line, and never run."""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
import zipfile

import numpy as np
import peer
import pytest
import torch
from safetensors.torch import save as safetensors_bytes

from registry import NotFoundError, UsageError, ZooError
from zoo.engine import foreign


@pytest.fixture
def put(tmp_path):
    """Write bytes to a file whose name says nothing about its format."""

    def write(data: bytes, name: str = "weights.bin"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def refusal(path, kind=ZooError) -> str:
    """The message a file is refused with, which must be one line that names it."""
    with pytest.raises(kind) as caught:
        foreign.read(path)
    text = str(caught.value)
    assert type(caught.value) is kind
    assert path.name in text
    assert "\n" not in text
    assert len(text) < 400
    return text


KINDS = {
    "zip": lambda state: peer.torch_bytes(state),
    "legacy": lambda state: peer.torch_bytes(state, legacy=True),
    "safetensors": lambda state: safetensors_bytes(state),
    "onnx": lambda state: peer.onnx_bytes({name: tensor.numpy() for name, tensor in state.items()}),
}
FORMATS = {"zip": "PyTorch", "legacy": "PyTorch", "safetensors": "safetensors", "onnx": "ONNX"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_the_same_arrays(put, kind):
    state = peer.state()
    data = KINDS[kind](state)
    held = foreign.read(put(data))
    assert held.format == FORMATS[kind]
    assert (held.size, held.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert set(held.arrays) == set(state)
    for name, tensor in state.items():
        assert np.array_equal(held.arrays[name], tensor.numpy())
        assert held.dtypes[name] == str(tensor.dtype).removeprefix("torch.")


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_half_precision_keeps_its_values(put, kind):
    values = torch.tensor([1.0, -2.5, 3.140625, 1e-3])
    held = foreign.read(put(KINDS[kind]({"b": values.bfloat16(), "h": values.half(), "d": values.double()})))
    assert dict(held.dtypes) == {"b": "bfloat16", "h": "float16", "d": "float64"}
    # torch's own widening is the reference: every bfloat16 and float16 is a float32.
    assert held.arrays["b"].dtype == np.float32
    assert np.array_equal(held.arrays["b"], values.bfloat16().float().numpy())
    assert np.array_equal(held.arrays["h"].astype(np.float32), values.half().float().numpy())
    assert np.array_equal(held.arrays["d"], values.double().numpy())


def test_bfloat16_in_onnx(put):
    from onnx import TensorProto, helper

    model = peer.onnx_bytes({"a": np.zeros(1, np.float32)})
    import onnx

    model = onnx.load_model_from_string(model)
    model.graph.initializer.append(helper.make_tensor("b", TensorProto.BFLOAT16, [2], [1.5, -3.0]))
    held = foreign.read(put(model.SerializeToString()))
    assert (held.arrays["b"].dtype, held.dtypes["b"]) == (np.float32, "bfloat16")
    assert held.arrays["b"].tolist() == [1.5, -3.0]


@pytest.mark.parametrize("keys", [["state_dict"], ["model"], ["params"], ["model", "state_dict"]])
def test_wrapped_states(put, keys):
    state = peer.state()
    wrapped: dict = state
    for key in reversed(keys):
        wrapped = {"epoch": 3, key: wrapped, "optimizer": {"lr": 0.1}}
    held = foreign.read(put(peer.torch_bytes(wrapped)))
    assert set(held.arrays) == set(state)
    assert held.wrapper == ".".join(keys)
    assert set(held.left_out) == {"epoch", "optimizer"}


def test_what_is_no_tensor_is_named(put):
    held = foreign.read(put(peer.torch_bytes({**peer.state(), "version": 2})))
    assert (held.wrapper, held.left_out) == ("", ("version",))


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("force", ["0", "1"])
@pytest.mark.parametrize("how", ["zip", "legacy", "wrapped", "pickle"])
def test_a_hostile_pickle_is_refused_and_not_run(put, tmp_path, monkeypatch, how, force):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", force)
    mark = tmp_path / "was_run"
    state = {**peer.state(), "bomb": Bomb(mark)}
    data = {
        "zip": lambda: peer.torch_bytes(state),
        "legacy": lambda: peer.torch_bytes(state, legacy=True),
        "wrapped": lambda: peer.torch_bytes({"state_dict": peer.state(), "logger": Bomb(mark)}),
        "pickle": lambda: pickle.dumps({"a": Bomb(mark)}, protocol=2),
    }[how]()
    text = refusal(put(data, "evil.pth"))
    assert not mark.exists()
    assert ("io.open" in text) or how == "pickle"
    # The bomb is live: what zoo refuses to load does run.
    pickle.loads(pickle.dumps(Bomb(mark))).close()
    assert mark.exists()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [5, 40, 0.5, 0.98])
def test_torn_files_are_refused(put, kind, keep):
    data = KINDS[kind](peer.state())
    refusal(put(data[: keep if keep > 1 else int(keep * len(data))]))


def test_pytorch_files_with_a_flipped_byte_are_refused(put):
    """torch.load takes them without a word, which is asserted too: else the check could go."""
    data = bytearray(peer.torch_bytes({"a": torch.ones(1000)}))
    where = bytes(data).find(b"\x00\x00\x80\x3f" * 8) + 402
    data[where] ^= 0x40
    assert not torch.equal(torch.load(io.BytesIO(data), weights_only=True)["a"], torch.ones(1000))
    assert "does not match its checksum" in refusal(put(bytes(data)))


def archive(names: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, data in names.items():
            file.writestr(name, data)
    return stream.getvalue()


REFUSED = {
    "empty": (b"", "is empty"),
    "web page": (b"\n<!DOCTYPE html><html>Google Drive - Virus scan warning", "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
    "text": (b"hello, weights", "no format zoo knows"),
    "npz": (archive({"a.npy": b"x"}), "no PyTorch checkpoint"),
    "torchscript": (archive({"m/constants.pkl": b"x", "m/data.pkl": b"x", "m/code/m.py": b"x"}), "TorchScript"),
    "zip bomb": (archive({"m/data.pkl": bytes(100_000)}, zipfile.ZIP_DEFLATED), "unpacks to more than its size"),
    "mindspore": (b"\x0a\x05hello", "no readable checkpoint"),
    "onnx-like": (b"\x08\x07\x12\x07pytorch", "no graph"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_files_are_named(put, case):
    data, words = REFUSED[case]
    assert words in refusal(put(data))


def test_paths_that_are_no_files(tmp_path):
    refusal(tmp_path / "absent.pth", NotFoundError)
    refusal(tmp_path, UsageError)


THINGS = {
    "a list": ([torch.ones(2)], "holds a list"),
    "one tensor": (torch.ones(2), "holds a Tensor"),
    "no tensors": ({"epoch": 1, "lr": 0.1}, "holds no tensors by name"),
    "deeper": ({"encoder": {"a": torch.ones(1)}, "decoder": {"b": torch.ones(1)}}, "it has decoder, encoder"),
    "nothing": ({}, "no tensors"),
    "sparse": ({"a": torch.eye(3).to_sparse()}, "no plain array"),
    "repeated": ({"a": torch.ones(1).expand(1 << 40)}, "repeats a smaller tensor"),
    "float8": ({"a": torch.ones(2).to(torch.float8_e4m3fn)}, "float8_e4m3fn"),
}


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("case", THINGS)
def test_pytorch_files_without_a_plain_state_are_refused(put, case):
    thing, words = THINGS[case]
    assert words in refusal(put(peer.torch_bytes(thing)))


def test_safetensors_of_a_dtype_that_is_not_converted(put):
    data = safetensors_bytes({"a": torch.ones(2).to(torch.float8_e4m3fn)})
    assert "F8_E4M3" in refusal(put(data))


def test_onnx_with_external_data_is_refused(put, tmp_path):
    import onnx

    model = onnx.load_model_from_string(peer.onnx_bytes({"a": np.zeros(2000, np.float32)}))
    path = tmp_path / "two_files.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="weights.data", size_threshold=0)
    assert (tmp_path / "weights.data").exists()
    assert "keeps its weights in another file" in refusal(path)
    path.write_bytes(path.read_bytes().replace(b"weights.data", b"../../passwd"))
    assert "keeps its weights in another file" in refusal(path)


def test_onnx_without_weights(put):
    assert "holds no tensors" in refusal(put(peer.onnx_bytes({})))


@pytest.mark.parametrize(("extra", "kind"), [("torch", "zip"), ("torch", "legacy"), ("onnx", "onnx")])
def test_a_missing_extra_says_how_to_get_it(put, monkeypatch, extra, kind):
    path = put(KINDS[kind](peer.state()))
    monkeypatch.setitem(sys.modules, extra, None)
    with pytest.raises(ZooError) as caught:
        foreign.read(path)
    assert f"needs the extra [{extra}]: pip install 'matting-zoo[{extra}]'" in str(caught.value)


@pytest.mark.parametrize(
    ("version", "works"), [("2.5.1", False), ("2.9.0+cu118", False), ("2.10.0", True), ("3.0", True)]
)
def test_a_pytorch_that_a_file_can_take_over_is_refused(put, monkeypatch, version, works):
    path = put(peer.torch_bytes(peer.state()))
    monkeypatch.setattr(torch, "__version__", version)
    if works:
        assert foreign.read(path).arrays
    else:
        with pytest.raises(ZooError, match=r"CVE-2025-32434.*pip install"):
            foreign.read(path)


def test_own_checkpoints_are_recognised(tmp_path):
    from zoo.config import Config
    from zoo.engine import checkpoint, device

    device.start()
    path = tmp_path / "own.ckpt"
    checkpoint.write(path, {"a": np.ones(3, np.float32)}, {"model": "thing", "config": Config().to_dict()})
    assert foreign.recognise_file(path) == foreign.MINDSPORE
    assert "is a checkpoint of zoo already, of model 'thing'" in refusal(path, UsageError)


def test_formats_are_told_by_content():
    assert foreign.recognise(b"") is None
    assert foreign.recognise(b"{") is None
    assert foreign.recognise(b"\x40\0\0\0\0\0\0\0{") == foreign.SAFETENSORS
    assert foreign.recognise(b"\x80\x02}") == foreign.PYTORCH
