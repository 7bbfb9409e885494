"""The wheels of core and first plugin work away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder with both wheels unpacked, found before the checkout."""
    work = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "--quiet"]
    sources = [str(ROOT), str(ROOT / "plugins" / "modnet")]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(work / "dist")]
    subprocess.run([*pip, *build, *sources], check=True, capture_output=True)
    wheels = [str(path) for path in sorted((work / "dist").glob("*.whl"))]
    assert [Path(w).name.split("-")[0] for w in wheels] == ["matting_zoo", "zoo_modnet"]
    install = ["install", "--no-deps", "--no-index", "--target", str(work / "site"), *wheels]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    return work / "site"


def run(site: Path, cwd: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheels_carry_everything(site, tmp_path):
    assert Path(run(site, tmp_path, "-c", "import zoo; print(zoo.__file__)").strip()).is_relative_to(site)
    models = json.loads(run(site, tmp_path, "-m", "zoo.cli", "list", "--kind", "model", "--json"))
    assert "modnet" in [m["name"] for m in models]
    config = run(site, tmp_path, "-m", "zoo.cli", "train", "modnet", "-c", "modnet-demo", "--print-config")
    assert "optimizer: adam" in config
    assert {p.name for p in (site / "zoo" / "configs").iterdir()} == {p.name for p in (ROOT / "configs").glob("*.yaml")}
    template = "from zoo.report.page import render; print(callable(render))"
    assert run(site, tmp_path, "-c", template).strip() == "True"
    assert (site / "zoo" / "report" / "page.html.j2").is_file()
    assert (site / "zoo" / "py.typed").is_file()
    for folder in ("zoo/templates", "zoo/native/src"):
        here, there = (
            {p.name for p in (root / folder).rglob("*") if p.is_file() and p.suffix != ".pyc"} for root in (ROOT, site)
        )
        assert here == there
        assert here
    golden = site / "zoo" / "metrics" / "golden"
    words = ("score", str(golden / "prediction"), str(golden / "target"), "--trimap", str(golden / "trimap"), "--json")
    scored = json.loads(run(site, tmp_path, "-m", "zoo.cli", *words))
    assert scored["n_images"] == len(json.loads((golden / "expected.json").read_text())["cases"])
    assert not (site / "tests").exists()
    assert not (site / "benchmarks").exists()
