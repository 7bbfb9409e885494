import re

import pytest

from registry import NotFoundError
from zoo.data.demo_set import SPEC, open_demo


def test_at_a_root(tree):
    root = tree(root="drawn")
    assert len(open_demo(root, "train", {})) == 5
    assert len(open_demo(root, "P3M_500_P", {})) == 2


def test_at_its_default_place(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    tree(root="demo")
    assert len(open_demo(None, "train", {})) == 5


def test_not_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    with pytest.raises(
        NotFoundError, match=re.escape(f"no demo set at {tmp_path / 'demo'}; draw it") + r".*: zoo data demo$"
    ):
        open_demo(None, "train", {})
    with pytest.raises(NotFoundError, match=re.escape(f"zoo data demo {tmp_path}") + "$"):
        open_demo(tmp_path, "train", {})


def test_splits():
    assert dict(SPEC.splits) == {"train": None, "P3M-500-P": None, "P3M-500-NP": None}
