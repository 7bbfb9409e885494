"""The tables of benchmarks/README.md are those that the records give."""

from __future__ import annotations

import json
import shutil

import pytest
import table

SPEED = {
    "schema": "zoo-bench/1",
    "device": "CPU",
    "threads": 2,
    "rows": [
        {"model": "m", "stage": stage, "height": 10, "width": 20, "batch": 1, "runtime": "mindspore", "p50_ms": time}
        for stage, time in (("end_to_end", 12.5), ("forward", 10.25))
    ],
}
ACCURACY = {
    "schema": "zoo-accuracy/1",
    "dataset": "P3M-10k",
    "splits": [{"split": "P3M-500-P", "n_published": 500, "columns": [], "rows": []}],
}


@pytest.fixture
def folder(tmp_path):
    """A benchmarks folder with one record of seeds, the real one."""
    place = tmp_path / "benchmarks"
    (place / "results").mkdir(parents=True)
    (place / "README.md").write_text(f"# Ours\n\n{table._BEGIN}old\n", encoding="utf-8")
    shutil.copy(table.FOLDER / "results" / "seeds.json", place / "results")
    return place


def text(folder):
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_committed_tables_are_what_the_records_give(capsys):
    assert table.main(["--check"]) == 0, capsys.readouterr().err


def test_every_kind_of_record_has_its_table(folder):
    (folder / "results" / "two-cores.json").write_text(json.dumps(SPEED))
    (folder / "results" / "two-cores.md").write_text("details")
    (folder / "results" / "ranking.json").write_text(json.dumps(ACCURACY))
    assert table.main([], folder) == 0
    found = text(folder)
    assert found.startswith(f"# Ours\n\n{table._BEGIN}\n## Speed\n")
    assert "### two cores ([record](results/two-cores.json), [details](results/two-cores.md))" in found
    cells = [cell.strip() for cell in found.split("\n| m ")[1].splitlines()[0].split("|")]
    assert cells[1:-1] == ["20 × 10", "1", "mindspore", "12.5", "10.2"]
    assert "#### P3M-10k P3M-500-P" in found
    # Mean and standard deviation of SAD as benchmarks/results/seeds.md has them.
    assert "| modnet | demo     | P3M-500-P  |     21 |     3 | 6.609 ± 0.717 |" in found
    assert found.index("## Speed") < found.index("## Accuracy") < found.index("## Spread over seeds")
    assert table.main(["--check"], folder) == 0


TURNS = {
    "machine_info": {"cpu": {"brand": "Chip", "count": 2}, "python_version": "3.11", "versions": {"numpy": "1.26"}},
    "benchmarks": [
        {"name": "test_other", "extra_info": {}},
        {
            "name": "test_forward",
            "extra_info": {
                "what": "forward",
                "reference": "peer",
                "threads": 2,
                "sides": {
                    "peer": {"wall": [0.2, 0.4, 0.4], "cpu": [0.4, 0.8, 0.8], "peak_mib": 400.4},
                    "ours": {"wall": [0.1, 0.2, 0.2], "cpu": [0.4, 0.8, 0.8]},
                },
            },
        },
    ],
}


def test_sides_that_took_turns_are_in_both_readmes(folder):
    front = folder.parent / "README.md"
    front.write_text(f"# Zoo\n\n{table._PEERS}old\n{table._PEERS_END}\nthe end\n", encoding="utf-8")
    (folder / "results" / "peers-forward.json").write_text(json.dumps(TURNS))
    assert table.main(["--check"], folder) == 1
    assert table.main([], folder) == 0
    assert table.main(["--check"], folder) == 0
    found = front.read_text(encoding="utf-8")
    assert found.startswith(f"# Zoo\n\n{table._PEERS}\n| what ")
    assert found.endswith(f"{table._PEERS_END}\nthe end\n")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found.splitlines() if "forward" in line]
    assert lines == [
        ["forward", "peer", "400", "800", "1.00 [1.00, 1.00]", "1.00 [1.00, 1.00]", "400"],
        ["forward", "ours", "200", "800", "0.50 [0.50, 0.50]", "1.00 [1.00, 1.00]", ""],
    ]
    assert "Medians of 3 rounds" in found
    assert "ratios are to peer within a round" in found
    assert "Chip, 2 processors; 2 threads for each side; Python 3.11; numpy 1.26." in found
    assert "## Side by side\n\n### peers forward ([record](results/peers-forward.json))\n" in text(folder)
    front.write_text(found.replace("| 400 ", "| 300 "), encoding="utf-8")
    assert table.main(["--check"], folder) == 1


def test_a_readme_without_its_lines_is_left_alone(folder):
    front = folder.parent / "README.md"
    front.write_text("# Zoo\n", encoding="utf-8")
    assert table.main([], folder) == 0
    assert front.read_text(encoding="utf-8") == "# Zoo\n"


def test_an_edited_table_is_found(folder, capsys):
    assert table.main(["--check"], folder) == 1
    assert "is not what the records give: python benchmarks/table.py" in capsys.readouterr().err
    assert text(folder).endswith("old\n")
    assert table.main([], folder) == 0
    assert table.main(["--check"], folder) == 0
    (folder / "README.md").write_text(text(folder).replace("6.609", "5.609"), encoding="utf-8")
    assert table.main(["--check"], folder) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [('{"schema": "zoo-other/1"}', "schema 'zoo-other/1' has no table here"), ("{", "no valid JSON"), ("[]", "None")],
)
def test_what_is_no_record_is_named(folder, capsys, content, says):
    (folder / "results" / "strange.json").write_text(content)
    assert table.main([], folder) == 2
    said = capsys.readouterr().err
    assert "strange.json" in said
    assert says in said
    assert text(folder).endswith("old\n")


def test_wrong_use(folder, capsys):
    assert table.main(["--chek"], folder) == 2
    (folder / "README.md").write_text("no mark")
    assert table.main([], folder) == 2
    assert "has no line" in capsys.readouterr().err
