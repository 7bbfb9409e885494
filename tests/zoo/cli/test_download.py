"""``zoo download``, and what asks for its weights."""

from __future__ import annotations

import hashlib
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from weights_server import cut, plain, serving, stall, whole

DATA = b"\x0a" + b"weights" * 1000
SHA = hashlib.sha256(DATA).hexdigest()

PLUGIN = """
import tiny_plugin
from zoo import BackboneSpec, Card, ModelSpec, Weights, hookimpl

@hookimpl
def register_models(register):
    known = Weights("known", [{base!r} + "/known.ckpt"], {sha!r}, {size}, "CC-BY-4.0", "research only")
    new = Weights("new", [{base!r} + "/new-0123abcd.ckpt"])
    register(ModelSpec("both", tiny_plugin.build, Card("B", code_license="MIT", weights=[known, new])))
    register(ModelSpec("none", tiny_plugin.build, Card("N")))

@hookimpl
def register_backbones(register):
    weights = Weights("enc", [{base!r} + "/enc.ckpt"], trained_on=["Faces"])
    register(BackboneSpec("enc", tiny_plugin.build_backbone, [weights]))
"""


@pytest.fixture
def site():
    with serving() as found:
        found.put("/known.ckpt", whole(DATA))
        found.put("/new-0123abcd.ckpt", whole(DATA))
        found.put("/enc.ckpt", whole(DATA))
        yield found


@pytest.fixture
def run(zoo, site, tmp_path, monkeypatch):
    file = tmp_path / "weighty.py"
    file.write_text(PLUGIN.format(base=site.base, sha=SHA, size=len(DATA)))
    monkeypatch.setattr("sys.stdin", io.StringIO())  # no terminal
    return lambda *words: zoo(*words, "--plugin", str(file))


def test_it_says_what_it_fetches_and_where_it_is(run, site, tmp_path):
    done = run("download", "known")
    path = tmp_path / "home" / "weights" / "known" / "known.ckpt"
    assert (done.code, path.read_bytes()) == (0, DATA)
    for text in ("code: MIT; weights: CC-BY-4.0; data: research only", "trained on   not stated", SHA, str(path)):
        assert text in done.out
    assert f"fetching {site.base}/known.ckpt" in done.err
    again = run("download", "known")
    assert "was here" in again.out
    assert again.err == ""
    assert len(site.asked) == 1
    facts = json.loads(run("info", "both", "--json").out)
    assert [(each["name"], each["file"]) for each in facts["weights"]] == [("known", str(path)), ("new", None)]
    shown = run("info", "both").out
    assert f"known: 0.0 MB, licence of weights CC-BY-4.0, data research only; {path}" in shown
    assert "new: licence of weights not stated, data not stated; not here: zoo download new" in shown


def test_json(run, tmp_path):
    done = run("download", "weighty/known", "--json")
    facts = json.loads(done.out)
    assert facts["file"] == str(tmp_path / "home" / "weights" / "known" / "known.ckpt")
    assert (facts["sha256"], facts["bytes"], facts["sha256_published"]) == (SHA, len(DATA), True)
    assert facts["source"].endswith("/known.ckpt")
    assert "licence" in done.err
    assert json.loads(run("download", "known", "--json").out)["source"] is None


def test_a_model_with_several_weights_lists_them(run, site):
    done = run("download", "both")
    assert done.code == 2
    assert "both has several weights: known, new; say which (zoo download known)" in done.err
    assert done.out.count("licence") == 2
    rows = json.loads(run("download", "both", "--json").out)
    assert [row["name"] for row in rows] == ["known", "new"]
    assert site.asked == []
    assert run("download", "none").code == 4
    done = run("download", "knwon")
    assert done.code == 4
    assert "Did you mean 'known'?" in done.err


def test_a_backbone_with_one_is_enough(run, tmp_path):
    done = run("download", "weighty/enc", "--yes")
    assert done.code == 0
    assert "trained on   Faces" in done.out
    assert "zoo train MODEL --set model.backbone=weighty/enc --set model.pretrained=enc" in done.out
    assert (tmp_path / "home" / "weights" / "enc" / "enc.ckpt").read_bytes() == DATA


def test_an_unpublished_digest_needs_yes(run, site, tmp_path):
    done = run("download", "new")
    assert done.code == 2
    assert f"sha256 {SHA}" in done.err
    assert "the file's name says 0123abcd, its digest begins otherwise" in done.err
    assert "run it again with --yes" in done.err
    folder = tmp_path / "home" / "weights" / "new"
    assert not (folder / "new-0123abcd.ckpt").exists()
    assert run("download", "new", "--yes").code == 0
    assert len(site.asked) == 1
    assert (folder / "new-0123abcd.ckpt").read_bytes() == DATA
    assert run("download", "new", "--to", "here").code == 0  # from the cache, where it is confirmed
    assert Path("here/new-0123abcd.ckpt").read_bytes() == DATA
    assert len(site.asked) == 1


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_a_terminal_is_asked(run, monkeypatch, tmp_path, answer, code):
    import click

    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(click, "confirm", lambda text, err: answer == "y")
    assert run("download", "new").code == code
    assert (tmp_path / "home" / "weights" / "new").exists() == (code == 0)


def test_to_a_folder_and_from_a_file(run, site, tmp_path):
    Path("mine").write_bytes(DATA)
    assert run("download", "known", "--from", "mine", "--to", "there").code == 0
    assert Path("there/known.ckpt").read_bytes() == DATA
    assert not (tmp_path / "home").exists()
    Path("there/known.ckpt").write_bytes(b"my own")
    done = run("download", "known", "--to", "there")
    assert done.code == 2
    assert "is there and is not known" in done.err
    assert Path("there/known.ckpt").read_bytes() == b"my own"
    assert site.asked == []
    done = run("download", "known", "--from", "gone")
    assert (done.code, "no such file" in done.err) == (4, True)
    Path("mine").write_bytes(DATA + b"x")
    assert run("download", "known", "--from", "mine").code == 1


def test_a_wrong_hash_is_refused(run, site, tmp_path):
    site.put("/known.ckpt", plain(b"x" * len(DATA)))
    done = run("download", "known")
    assert done.code == 1
    assert f"the card says {SHA}" in done.err
    assert not (tmp_path / "home" / "weights" / "known").exists()


def test_ctrl_c_is_heard_while_the_server_is_silent(run, site, tmp_path):
    site.put("/known.ckpt", stall(DATA, 3000, site.over))
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); from zoo.cli import main; main()"
    support = Path(__file__).parents[2] / "support"
    words = [sys.executable, "-c", program, support, "download", "known", "--plugin", tmp_path / "weighty.py"]
    part = tmp_path / "home" / "weights" / "known" / ".known.ckpt.part"
    job = subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size) and time.monotonic() < until:
        time.sleep(0.02)
    started = time.monotonic()
    job.send_signal(signal.SIGINT)
    _, said = job.communicate(timeout=15)
    assert (job.returncode, said.splitlines()[-1]) == (130, "zoo: interrupted")
    assert time.monotonic() - started < 5
    assert part.stat().st_size == 3000
    site.put("/known.ckpt", whole(DATA))
    assert run("download", "known").code == 0
    assert site.ranges() == [None, "bytes=3000-"]


# --- model.pretrained ---


def test_pretrained_weights_are_never_fetched_unasked(run, site):
    from disc_set import write_discs

    write_discs(Path("discs"), 4)
    words = ("train", "tiny", "--data-root", "discs", "--set", "model.pretrained=known")
    done = run(*words)
    assert done.code == 4
    line = done.err.splitlines()[-1]
    assert "the weights 'known' are not here" in line
    for text in (f"{site.base}/known.ckpt", "licence of the weights: CC-BY-4.0", "zoo download known"):
        assert text in line
    assert site.asked == []


@pytest.fixture
def registry(run, tmp_path):
    from registry import load

    support = Path(__file__).parents[2] / "support"
    return load(only=[], extra=[str(support / "tiny_plugin.py"), str(tmp_path / "weighty.py")])


def test_pretrained_by_name(run, site, registry, tmp_path):
    from registry import NotFoundError, ZooError
    from zoo.engine.pretrained import find_pretrained

    path = tmp_path / "home" / "weights" / "known" / "known.ckpt"
    assert run("download", "known").code == 0
    assert find_pretrained(registry, "known") == find_pretrained(registry, "weighty/known") == path
    path.write_bytes(b"damaged")
    with pytest.raises(ZooError, match=r"is damaged .* fetch it again: zoo download known"):
        find_pretrained(registry, "known")
    site.put("/new-0123abcd.ckpt", cut(DATA, 10, ""))
    unconfirmed = tmp_path / "home" / "weights" / "new" / "new-0123abcd.ckpt"
    unconfirmed.parent.mkdir()
    unconfirmed.write_bytes(DATA)
    with pytest.raises(ZooError, match="was never confirmed: zoo download new"):
        find_pretrained(registry, "new")
    Path("known").write_bytes(b"a file of that name")
    assert find_pretrained(registry, "known") == Path("known")
    with pytest.raises(NotFoundError, match=r"no file 'knwn' .*Did you mean 'known'\?"):
        find_pretrained(registry, "knwn")


def test_pretrained_weights_of_another_framework_name_the_conversion(run, site, registry, monkeypatch):
    from registry import UsageError
    from zoo.config import from_dict
    from zoo.engine import device
    from zoo.engine.build import build_model

    foreign = b"PK\x03\x04" + DATA
    site.put("/enc.ckpt", whole(foreign))
    assert run("download", "enc", "--yes").code == 0
    assert hashlib.sha256(foreign).hexdigest()[:8] in run("download", "enc").out
    device.start("CPU")
    config = from_dict({"model": {"name": "tiny", "backbone": "encoder", "pretrained": "enc"}}, "test")
    with pytest.raises(UsageError, match=r"enc\.ckpt is a PyTorch file: .*\(zoo convert tiny .*enc\.ckpt NEW\.ckpt\)"):
        build_model(registry, config, pretrained=True)
