from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from zoo.report.index import write_index
from zoo.report.page import write_page

PICTURE = "data:image/jpeg;base64,AAAA"
VIEWS = dict.fromkeys(("composite", "image", "target", "matte", "error"), PICTURE)
VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """Tags, attributes and texts of a page; fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def _page(tmp_path, report, pictures=None) -> tuple[Page, str]:
    write_page(tmp_path / "report.html", report, pictures or {})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    return Page(text), text


def _assert_self_contained(page: Page, text: str, links: tuple[str, ...] = ()) -> None:
    for tag, attrs in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            if attrs.get(name) is not None:
                assert attrs[name].startswith("data:") or (tag == "a" and attrs[name] in links)
        assert not [name for name in attrs if name.startswith("on")]
    assert not page.all("link")
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_parses_and_needs_nothing_but_itself(tmp_path, sample):
    report = sample.report(problems=[{"image": "broken.png", "reason": "ends early"}])
    page, text = _page(tmp_path, report, {row["image"]: VIEWS for row in report["per_image"]})
    _assert_self_contained(page, text)
    assert len([a for a in page.all("img") if a["src"] == PICTURE]) == 15
    assert all(a["loading"] == "lazy" for a in page.all("img") if a["src"] == PICTURE)
    assert "broken.png" in page.texts
    assert any("ends early" in part for part in page.texts)


def test_only_our_own_script_may_run(tmp_path, sample):
    page, text = _page(tmp_path, sample.report())
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_hostile_texts_stay_texts(tmp_path, sample):
    evil = "</script><script>alert(2)</script>"
    report = sample.report(
        model=evil,
        split=evil,
        device=evil,
        checkpoint=evil,
        versions={evil: evil},
        config={evil: evil},
        problems=[{"image": sample.HOSTILE, "reason": evil}],
    )
    report["metrics"][evil] = 1.0
    report["per_image"][0][evil] = 1.0
    page, _ = _page(tmp_path, report, {sample.HOSTILE: {"image": PICTURE, evil: PICTURE}})
    assert len(page.all("script")) == 1
    assert len(page.all("img")) == 3  # two pictures and the enlarged one
    assert page.texts.count(sample.HOSTILE) == 2
    assert any(evil in part for part in page.texts)


def test_worst_image_first_and_said_so(tmp_path, sample):
    page, text = _page(tmp_path, sample.report())
    names = [name for name in page.texts if name in ("a.png", "b.png", sample.HOSTILE)]
    assert names == ["b.png", sample.HOSTILE, "a.png"]
    assert "Worst first: ordered by mean absolute difference (MAD)" in text


def test_order_without_mad_is_explained(tmp_path, sample):
    rows = [{"image": "x", "height": 1, "width": 1, "SAD": 1.0}]
    assert "ordered by sum of absolute differences (SAD)" in _page(tmp_path, sample.report(per_image=rows))[1]
    rows = [{"image": "x", "height": 1, "width": 1}]
    assert "In the order of the data set" in _page(tmp_path, sample.report(per_image=rows))[1]


@pytest.mark.parametrize(
    ("changes", "sentence", "style"),
    [
        ({"n_published": 500, "complete": False}, "3 of 500 images: not comparable with published figures.", "warn"),
        ({}, "3 images; no published count to compare with: not comparable with published figures.", "warn"),
        ({"n_published": 3, "complete": True}, "3 images: the whole split, as published.", ""),
    ],
)
def test_the_first_line_says_how_many_images(tmp_path, sample, changes, sentence, style):
    page, text = _page(tmp_path, sample.report(**changes))
    body = Page(text[text.index("<body>") : text.index("</body>") + len("</body>")])
    assert next(part for part in body.texts if part.strip()) == sentence
    assert page.all("p")[0]["class"].split() == ["notice", *style.split()]


def test_views_are_labelled_and_in_order(tmp_path, sample):
    page, text = _page(tmp_path, sample.report(), {"b.png": VIEWS})
    assert re.findall(r"<figcaption>(.*?)</figcaption>", text) == ["image", "target", "matte", "error map", "composite"]
    alts = [a["alt"] for a in page.all("img") if a["src"] == PICTURE]
    assert alts[3] == "b.png: error map"
    assert "--ratio: 0.5000" in text  # 100 wide, 200 high
    assert "0.5 and above" in text


def test_no_legend_for_what_is_not_shown(tmp_path, sample):
    assert "Error map" not in _page(tmp_path, sample.report(), {"b.png": {"image": PICTURE}})[1]
    text = _page(tmp_path, sample.report())[1]
    assert "Error map" not in text
    assert "composite" not in text


def test_a_picture_from_elsewhere_is_refused(tmp_path, sample):
    with pytest.raises(ValueError, match="picture 'image' is no data:image/ URI"):
        write_page(tmp_path / "report.html", sample.report(), {"b.png": {"image": "http" + "://host/a.jpg"}})
    assert not (tmp_path / "report.html").exists()


def test_what_the_header_says(tmp_path, sample):
    text = _page(tmp_path, sample.report(checkpoint="best.ckpt", checkpoint_sha256="0123456789ab" + "0" * 52))[1]
    for part in (
        "<h1>constant on <span>demo,</span> <span>test</span></h1>",
        "Metrics as defined by p3m, at each image’s own size, mattes unrounded.",
        "constant 1.0",
        "<code>best.ckpt</code>",
        "<code>0123456789ab</code>",
        "2026-01-02 03:04:05+00:00",
        "1 min 01 s",
        "numpy 1.26.4",
        "Without a value on any image: GRAD, CONN, SAD-T,",
        "The regions (-T, -FG, -BG) need a trimap for each image.",
    ):
        assert part in text
    assert "none: fresh weights" in _page(tmp_path, sample.report())[1]
    assert "given a trimap" in _page(tmp_path, sample.report(needs_trimap=True))[1]


def test_the_least_a_report_can_hold(tmp_path):
    page, text = _page(tmp_path, {"metrics": {}, "per_image": []})
    assert "<h1>Mattes</h1>" in text
    assert "0 images" in page.texts[page.texts.index(next(t for t in page.texts if "images" in t))]


def test_index(tmp_path, sample):
    report = sample.report()
    bench = {"rows": [{"model": "<m>", "stage": "end_to_end", "height": 1, "width": 2, "batch": 1, "p50_ms": 3.0}]}
    pictures = {row["image"]: VIEWS for row in report["per_image"]}
    hrefs = ("a b/report.html", "javascript:alert(1)")
    write_index(tmp_path / "index.html", "<demo>", [(h, report) for h in hrefs], bench, {hrefs[0]: pictures})
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    links = ("a%20b/report.html", "javascript%3Aalert%281%29")
    _assert_self_contained(page, text, links)
    assert tuple(a["href"] for a in page.all("a")) == links
    assert "<demo>" in page.texts
    assert "<m>" in page.texts
    assert [t for t in page.texts if t.startswith("test, ")] == ["test, best", "test, median", "test, worst"]
    assert [t.split(", MAD")[0] for t in page.texts if ", MAD " in t] == ["a.png", sample.HOSTILE, "b.png"]


def test_index_without_bench_and_pictures(tmp_path, sample):
    write_index(tmp_path / "index.html", "demo", [("report.html", sample.report(per_image=[]))])
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Speed" not in text
    assert "A few mattes" not in text


def test_the_package_imports_neither_jinja2_nor_opencv_nor_mindspore():
    code = (
        "import sys, zoo.report.page, zoo.report.index, zoo.report.bench, zoo.report.thumbnails\n"
        "print([m for m in ('jinja2', 'cv2', 'mindspore') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_dialect_shows_its_own_metrics_and_what_they_are(tmp_path, sample):
    path = tmp_path / "report.html"
    report = sample.report(dialect="dim")
    write_page(path, report, {})
    texts = Page(path.read_text(encoding="utf-8")).texts
    assert "MAD" not in texts
    assert "SAD-T" not in " ".join(texts)
    assert "sum of absolute differences / 1000, over the unknown region of the trimap" in texts


def test_intervals_saved_figures_and_strata(tmp_path, sample):
    path = tmp_path / "report.html"
    part = {"low": 0.25, "high": 0.5, "n_images": 3, "metrics": {"SAD": 3.53}, "intervals": {}}
    strata = [{"by": "subject_area", **part}, {"by": "unknown_width", **part, "low": 7.25, "high": 9.0}]
    report = sample.report(intervals={"SAD": [3.25, 4.5]}, saved_metrics={"SAD": 3.625}, strata=strata)
    write_page(path, report, {})
    texts = Page(path.read_text(encoding="utf-8")).texts
    for expected in ("95 %: 3.250 to 4.500", "3.250 to 4.500", "3.625", "25.0 to 50.0", "7.2 to 9.0"):
        assert expected in texts
    plain = tmp_path / "plain.html"
    write_page(plain, sample.report(), {})
    assert "Easy and hard images" not in plain.read_text(encoding="utf-8")


def test_mattes_from_files_have_no_checkpoint(tmp_path, sample):
    report = sample.report(predictions="mattes")
    del report["checkpoint"]
    write_page(tmp_path / "report.html", report, {})
    texts = Page((tmp_path / "report.html").read_text(encoding="utf-8")).texts
    assert "mattes" in texts
    assert "Checkpoint" not in texts
