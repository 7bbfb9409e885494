from __future__ import annotations

import pytest

from zoo.report.bench import bench_table
from zoo.report.table import format_metric, markdown_table, metrics_table


def test_markdown_table():
    table = markdown_table(["name", "n"], [["a|b", "1.5"], ["<b>\nc", None], ["人像", "–"]])
    # The Chinese name takes four columns of a terminal for its two characters.
    assert table == (
        "| name     |   n |\n| -------- | --: |\n| a\\|b     | 1.5 |\n| &lt;b> c |     |\n| 人像     |   – |\n"
    )


def test_markdown_table_without_rows():
    assert markdown_table(["a", "b"], []) == "| a   | b   |\n| --- | --- |\n"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SAD", 7.12345, "7.123"),
        ("SAD-FG", 1234.5, "1234.500"),
        ("MSE", 0.0123456, "0.01235"),
        ("MAD-T", 0.5, "0.50000"),
        ("MSE", 0.0000012, "1.2e-06"),
        ("MSE", 0.0, "0.00000"),
        ("acme/SHARP", 123456.0, "1.235e+05"),
        ("acme/SHARP", 3, "3"),
        ("GRAD", None, "–"),
    ],
)
def test_format_metric(name, value, text):
    assert format_metric(name, value) == text


def test_metrics_table_leaves_out_what_no_report_has(sample):
    trimap = {"SAD": 2.0, "SAD-T": 1.0, "acme/SHARP": 0.125}
    table = metrics_table(
        sample.report(), sample.report(split="val", n_published=500, metrics=trimap, needs_trimap=True)
    )
    assert table == (
        "| model                     | data set | split |   images |   SAD |     MSE |     MAD | GRAD | CONN | SAD-T"
        " | acme/SHARP |\n"
        "| ------------------------- | -------- | ----- | -------: | ----: | ------: | ------: | ---: | ---: | ----:"
        " | ---------: |\n"
        "| constant                  | demo     | test  |        3 | 3.530 | 0.25000 | 0.17667 |    – |    – |     –"
        " |          – |\n"
        "| constant (given a trimap) | demo     | val   | 3 of 500 | 2.000 |       – |       – |    – |    – | 1.000"
        " |      0.125 |\n"
    )


def _row(stage: str, p50: float, **more: object) -> dict[str, object]:
    size = {"model": "constant", "height": 1080, "width": 1620, "batch": 1, "runtime": "mindspore"}
    return {**size, "stage": stage, "p50_ms": p50, "p90_ms": p50 * 1.1, "samples_ms": [p50] * 4, **more}


def test_bench_table():
    record = {
        "device": "CPU",
        "threads": 2,
        "versions": {"numpy": "1.26.4"},
        "rows": [
            _row("end_to_end", 100.0, images_per_s=10.0, first_call_s=3.0, peak_mib=512.2, params=6_500_000, macs=None),
            _row("polish", 1.0),
            _row("forward", 80.0),
            _row("decode", 20.0),
        ],
    }
    assert bench_table(record) == (
        "| model    | photo       | batch | runtime   | end to end |   p90 | decode | forward | polish | images/s"
        " | first call s | peak MiB | params M |\n"
        "| -------- | ----------- | ----: | --------- | ---------: | ----: | -----: | ------: | -----: | -------:"
        " | -----------: | -------: | -------: |\n"
        "| constant | 1620 × 1080 |     1 | mindspore |      100.0 | 110.0 |   20.0 |    80.0 |    1.0 |    10.00"
        " |          3.0 |      512 |     6.50 |\n"
        "\n"
        "Times in ms, median of 4 repetitions (p90 of the end-to-end time beside it). CPU; 2 threads; numpy 1.26.4.\n"
    )


def test_bench_table_one_line_for_each_size_and_none_for_nothing():
    rows = [_row("end_to_end", 1.0), _row("end_to_end", 2.0, height=512), _row("forward", 1.0, height=512)]
    lines = bench_table({"rows": rows}).splitlines()
    assert [line.split("|")[2].strip() for line in lines[2:4]] == ["1620 × 1080", "1620 × 512"]
    assert bench_table({"rows": []}).startswith("| model | end to end |\n")
