"""What a command tells its user, where the log cannot take it."""

from __future__ import annotations

from zoo.engine.console import Console


def test_a_log_that_cannot_be_written_is_told_once_and_ends_nothing(tmp_path, capsys):
    console = Console(log=tmp_path / "gone" / "log.txt")
    console.say("one")
    console.say("two")
    assert capsys.readouterr().err.splitlines() == [
        "one",
        f"cannot write {tmp_path}/gone/log.txt: No such file or directory; it ends here",
        "two",
    ]
