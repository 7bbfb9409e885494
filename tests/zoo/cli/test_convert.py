"""``zoo convert MODEL SOURCE DEST`` from a file of PyTorch to a prediction."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import peer
import pytest
from disc_set import disc, write_discs

from zoo.engine import checkpoint


@pytest.fixture
def convert(zoo, tmp_path):
    """Run a command with the plugin of `peer` and no other."""
    plugin = peer.write_plugin(tmp_path)

    def run(*words, plugin=plugin):
        return zoo(*words, "--plugin", plugin, tiny=False)

    return run


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "pair.pth"
    path.write_bytes(peer.torch_bytes(peer.state()))
    return path


def left(folder: Path) -> list[str]:
    """Every checkpoint and temporary file there is."""
    return sorted(p.name for p in folder.iterdir() if p.suffix == ".ckpt" or p.name.endswith((".tmp", ".part")))


def test_from_a_pytorch_file_to_a_matte(convert, source, tmp_path):
    done = convert("convert", "pair", "pair.pth", "dest.ckpt")
    assert done.code == 0, done.err
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert lines["source"] == f"pair.pth: PyTorch, {source.stat().st_size:,} bytes"
    assert lines["sha256"] == digest
    assert lines["licence"] == "unknown; of the training data: unknown"
    assert (lines["matched"], lines["missing"], lines["unexpected"]) == ("7 of 7 parameters", "0", "0")
    assert lines["ignored"] == "1 counters of batch norms"
    assert lines["wrote"] == "dest.ckpt: pair, whole"
    assert left(tmp_path) == ["dest.ckpt"]
    # The next step that the command names, word for word, and what eval and training make of the file.
    image, _ = disc(1, 32, 48)
    cv2.imwrite("PHOTO.png", image[..., ::-1])
    words = lines["next"].replace("PHOTO", "PHOTO.png").split()[1:]
    assert convert(*words).code == 0
    import torch

    normal = torch.from_numpy((image / 255 - 0.5) / 0.5).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        expected = peer.module()(normal)[0, 0].numpy()
    # short_side and stride of tiny.yaml leave 32 x 48 as it is; half a step of rounding to 8 bits.
    found = cv2.imread("OUT/PHOTO.png", cv2.IMREAD_UNCHANGED)
    assert np.abs(found - expected * 255).max() < 0.51
    write_discs(tmp_path / "discs", 3, "test")
    assert convert("eval", "pair", "--checkpoint", "dest.ckpt", "--data-root", "discs", "--output", "eval").code == 0
    report = json.loads(Path("eval/report.json").read_text())
    assert report["checkpoint_sha256"] == hashlib.sha256(Path("dest.ckpt").read_bytes()).hexdigest()


def test_json_has_everything(convert, source, tmp_path):
    state = peer.state()
    del state["head.bias"]
    state["extra"] = state["head.weight"].half()
    source.write_bytes(peer.torch_bytes({"state_dict": state, "epoch": 3}))
    done = convert("convert", "pair", source, "dest.ckpt", "--json", "--quiet")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    refused = json.loads(done.out)
    assert (refused["written"], refused["dest"]) == (False, None)
    assert left(tmp_path) == []
    done = convert("convert", "pair", source, "dest.ckpt", "--json", "--quiet", "--partial", "--license", "MIT")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["matched"]["head.weight"] == [1, 4, 3, 3]
    assert len(found["matched"]) == 6
    assert found["missing"] == {"head.bias": [1]}
    assert found["unexpected"] == {"extra": [1, 4, 3, 3]}
    assert (found["shapes"], found["ignored"], found["casts"]) == ({}, 1, {"float16": 1})
    assert (found["wrapper"], found["left_out"]) == ("state_dict", ["epoch"])
    assert (found["holds"], found["parameters"], found["written"], found["dest"]) == ("part", 7, True, "dest.ckpt")
    assert found["source_sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert found["dest_sha256"] == hashlib.sha256(Path("dest.ckpt").read_bytes()).hexdigest()
    assert (found["license"], found["data_license"], found["weights"]) == ("MIT", "unknown", None)
    meta = checkpoint.read(Path("dest.ckpt"), whole=False).meta
    assert (meta["source"]["missing"], meta["source"]["license"], meta["holds"]) == (1, "MIT", "part")


def test_shapes_are_refused_with_both(convert, source):
    source.write_bytes(peer.torch_bytes({**peer.state(), "head.bias": peer.state()["backbone.norm.bias"]}))
    done = convert("convert", "pair", source, "dest.ckpt", "--json", "--partial")
    assert done.code == 1
    assert json.loads(done.out)["shapes"] == {"head.bias": {"source": [4], "network": [1]}}
    assert "head.bias has shape (4,), the network's (1,)" in done.err


def test_a_backbone_is_for_training(convert, source, tmp_path):
    state = {name: tensor for name, tensor in peer.state().items() if "head" not in name}
    source.write_bytes(peer.torch_bytes(state))
    done = convert("convert", "pair", source, "back.ckpt")
    assert done.code == 0, done.err
    assert "missing     2 (all but the backbone)" in done.out
    assert "wrote       back.ckpt: the backbone of pair and no more" in done.out
    cv2.imwrite("x.png", disc(1)[0])
    done = convert("predict", "pair", "x.png", "-o", "out", "--checkpoint", "back.ckpt")
    assert done.code == 2
    assert "holds the backbone of 'pair' and no more" in done.err
    write_discs(tmp_path / "discs", 2)
    words = ["train", "pair", "--data-root", "discs", "--set", "train.epochs=1", "--set", "data.val=0", "--quiet"]
    rate = ["--set", "train.lr=0.0"]  # the backbone's weights, not its statistics, stay what they were
    assert convert(*words, *rate, "--set", "model.pretrained=back.ckpt", "--output", "run").code == 0
    trained = checkpoint.read(Path("run/checkpoints/last.ckpt")).weights
    assert np.array_equal(trained["backbone.conv.weight"], state["backbone.conv.weight"].numpy())


def test_a_part_is_for_training_further(convert, source, tmp_path):
    state = peer.state()
    del state["head.bias"]
    source.write_bytes(peer.torch_bytes(state))
    assert convert("convert", "pair", source, "part.ckpt", "--partial").code == 0
    cv2.imwrite("x.png", disc(1)[0])
    for words in (["predict", "pair", "x.png", "-o", "out"], ["eval", "pair"]):
        done = convert(*words, "--checkpoint", "part.ckpt")
        assert done.code == 2
        assert "holds 6 of the 7 parameters of 'pair' (a partial conversion)" in done.err
    write_discs(tmp_path / "discs", 2)
    words = ["train", "pair", "--data-root", "discs", "--set", "train.epochs=1", "--set", "data.val=0"]
    done = convert(*words, "--set", "train.lr=0.0", "--checkpoint", "part.ckpt", "--output", "run")
    assert done.code == 0, done.err
    assert "part.ckpt; 1 parameters that it lacks start fresh" in done.err
    trained = checkpoint.read(Path("run/checkpoints/last.ckpt")).weights
    assert np.array_equal(trained["head.weight"], state["head.weight"].numpy())


def test_the_card_gives_licence_and_name(convert, source, tmp_path):
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    plugin = peer.write_plugin(tmp_path, digest)
    done = convert("convert", "pair", source, "dest.ckpt", "--license", "MIT", plugin=plugin)
    assert done.code == 0
    assert "licence     CC-BY-4.0; of the training data: CC0 (the card's pair-one)" in done.out
    assert "note        --license 'MIT' is not taken: the card says 'CC-BY-4.0' of pair-one" in done.out
    kept = checkpoint.read(Path("dest.ckpt")).meta["source"]
    assert (kept["weights"], kept["license"], kept["data_license"]) == ("pair-one", "CC-BY-4.0", "CC0")
    source.rename("pair_one.pth")
    plugin = peer.write_plugin(tmp_path, "f" * 64)
    done = convert("convert", "pair", "pair_one.pth", "other.ckpt", plugin=plugin)
    assert f"this is not the card's pair-one in spite of its name: sha256 {digest}, the card's {'f' * 64}" in done.out


def test_the_environment_does_not_enter_the_file(convert, source, monkeypatch, tmp_path):
    assert convert("convert", "pair", source, "one.ckpt").code == 0
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    assert convert("convert", "pair", source, "two.ckpt").code == 0
    assert Path("one.ckpt").read_bytes() == Path("two.ckpt").read_bytes()
    assert convert("convert", "pair", source, "three.ckpt", "--set", "eval.short_side=64").code == 0
    assert checkpoint.read(Path("three.ckpt")).config.eval.short_side == 64


CASES = {
    "no such model": (["pear", "pair.pth", "new.ckpt"], 4, "Did you mean 'pair'?"),
    "no such source": (["pair", "gone.pth", "new.ckpt"], 4, "no file gone.pth"),
    "no conversion": (["single", "pair.pth", "new.ckpt"], 2, "model 'single' offers no conversion"),
    "no network": (["flat", "pair.pth", "new.ckpt"], 2, "'flat' takes no weights"),
    "another ending": (["pair", "pair.pth", "new.pth"], 2, "ends in .ckpt"),
    "a folder": (["pair", "pair.pth", "folder.ckpt"], 2, "that is a folder"),
    "no folder": (["pair", "pair.pth", "gone/new.ckpt"], 2, "no folder gone"),
    "already there": (["pair", "pair.pth", "old.ckpt"], 2, "is there already; name another file or add --force"),
    "itself": (["pair", "pair.ckpt", "pair.ckpt", "--force"], 2, "is SOURCE itself"),
    "a link to itself": (["pair", "pair.ckpt", "link.ckpt", "--force"], 2, "is SOURCE itself"),
    "unknown key": (["pair", "pair.pth", "new.ckpt", "--set", "model.nane=1"], 2, "unknown key"),
    "a script": (["pair", "pair_plugin.py", "new.ckpt"], 1, "pair_plugin.py is no readable checkpoint"),
    "text": (["pair", "notes.txt", "new.ckpt"], 1, "notes.txt is of no format zoo knows"),
    "torn": (["pair", "torn.pth", "new.ckpt"], 1, "torn.pth is torn"),
    "another model": (["pair", "other.pth", "new.ckpt"], 1, "none of its 1 names is known"),
    "not finite": (["pair", "nan.pth", "new.ckpt"], 1, "nan.pth: head.bias holds NaN"),
    "two words": (["pair", "pair.pth"], 2, "Missing argument 'DEST'"),
}


@pytest.mark.parametrize("case", CASES)
def test_refusals_are_one_line_and_leave_nothing(convert, source, tmp_path, case):
    words, code, text = CASES[case]
    data = source.read_bytes()
    (tmp_path / "pair.ckpt").write_bytes(data)
    (tmp_path / "link.ckpt").symlink_to("pair.ckpt")
    (tmp_path / "old.ckpt").write_bytes(b"old")
    (tmp_path / "folder.ckpt").mkdir()
    (tmp_path / "notes.txt").write_text("weights")
    (tmp_path / "torn.pth").write_bytes(data[:-40])
    (tmp_path / "other.pth").write_bytes(peer.torch_bytes({"stem": peer.state()["head.bias"]}))
    (tmp_path / "nan.pth").write_bytes(peer.torch_bytes({**peer.state(), "head.bias": peer.state()["head.bias"] / 0}))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    done = convert("convert", *words, "--quiet")
    assert (done.code, done.out) == (code, "")
    assert text in done.err
    assert len(done.err.splitlines()) == 1
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_a_plugin_that_fails_ends_with_3(convert, source, tmp_path):
    plugin = peer.write_plugin(tmp_path, extra="raise KeyError('stem')")
    done = convert("convert", "pair", source, "dest.ckpt", "--quiet", plugin=plugin)
    assert done.code == 3
    assert "pair_plugin" in done.err
    assert "KeyError" in done.err
    assert left(tmp_path) == []


def test_force_replaces_and_failure_does_not(convert, source, tmp_path, monkeypatch):
    assert convert("convert", "pair", source, "dest.ckpt").code == 0
    first = Path("dest.ckpt").read_bytes()
    source.write_bytes(peer.torch_bytes(peer.state(seed=5)))
    assert convert("convert", "pair", source, "dest.ckpt").code == 2
    assert Path("dest.ckpt").read_bytes() == first
    import mindspore as ms

    real = ms.save_checkpoint

    def full(objects, name, **_):
        Path(name).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ms, "save_checkpoint", full)
    done = convert("convert", "pair", source, "dest.ckpt", "--force")
    assert done.code == 1
    assert "No space left on device" in done.err
    assert Path("dest.ckpt").read_bytes() == first
    assert left(tmp_path) == ["dest.ckpt"]
    monkeypatch.setattr(ms, "save_checkpoint", real)
    assert convert("convert", "pair", source, "dest.ckpt", "--force").code == 0
    assert Path("dest.ckpt").read_bytes() != first
    assert left(tmp_path) == ["dest.ckpt"]


def test_a_converted_file_is_not_converted_again(convert, source):
    assert convert("convert", "pair", source, "dest.ckpt").code == 0
    done = convert("convert", "pair", "dest.ckpt", "again.ckpt", "--quiet")
    assert done.code == 2
    assert "is a checkpoint of zoo already, of model 'pair'" in done.err


def test_a_hostile_file_is_not_run(convert, source, tmp_path):
    class Bomb:
        def __reduce__(self):
            return open, (str(tmp_path / "was_run"), "w")

    source.write_bytes(peer.torch_bytes({**peer.state(), "bomb": Bomb()}))
    done = convert("convert", "pair", source, "dest.ckpt", "--partial", "--force")
    assert done.code == 1
    assert "holds Python objects besides tensors (io.open)" in done.err
    assert not (tmp_path / "was_run").exists()
    assert not Path("dest.ckpt").exists()
