"""What a training run writes down: ``log.jsonl`` per step, ``metrics.csv`` per validation, TensorBoard events.

Whatever moment the process is killed at, the files hold all that was written before it. A resumed run continues them
from its checkpoint on, so that each step is there once.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from registry import ZooError
from zoo.data.opencv import cv2
from zoo.engine.events import Events
from zoo.files import write_bytes, write_text


class Journal:
    """The records of one run; used as a context manager.

    Args:
        folder: The run folder.
        after_step: Step of the checkpoint that a resumed run continues from: later records are cut off. 0 for a
            new run.

    Raises:
        ZooError: A file cannot be written, the disk being full for example; so do all methods.
    """

    def __init__(self, folder: Path, after_step: int = 0) -> None:
        self._folder = folder
        self._log_path, self._table_path = folder / "log.jsonl", folder / "metrics.csv"
        with self._writing(self._log_path):
            _cut_log(self._log_path, after_step)
        with self._writing(self._table_path):
            _cut_table(self._table_path, after_step)
        with self._writing(folder):
            self._events = Events(folder, after_step)
            self._log = open(self._log_path, "a", encoding="utf-8")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            with self._writing(self._folder), closing(self._events), closing(self._log):
                pass
        except ZooError:
            if kind is None:  # else closing tries once more what has failed before, and the user hears of that
                raise

    def step(self, record: Mapping[str, Any]) -> None:
        """Append the record of one optimizer step, flushed at once.

        A number that is none (mixed precision skips a step that overflows) is null in the log, as JSON has no word
        for it, and left out of the curves.
        """
        record = {name: value if math.isfinite(value) else None for name, value in record.items()}
        with self._writing(self._log_path):
            self._log.write(json.dumps(record) + "\n")
            self._log.flush()
        curves = {name: value for name, value in record.items() if name not in ("step", "epoch")}
        values = {f"train/{name}": value for name, value in curves.items() if value is not None}
        with self._writing(self._events.path):
            self._events.scalars(record["step"], values)

    def validation(self, step: int, epoch: int, metrics: Mapping[str, float | None]) -> None:
        """Add the metrics of one validation; one that earlier rows lack becomes a new column."""
        row = {"step": str(step), "epoch": str(epoch)}
        row.update({name: "" if value is None else repr(value) for name, value in metrics.items()})
        with self._writing(self._table_path):
            _write_table(self._table_path, [*_read_table(self._table_path), row])
        known = {f"val/{name}": value for name, value in metrics.items() if value is not None}
        with self._writing(self._events.path):
            self._events.scalars(step, known)

    def panel(self, step: int, name: str, picture: np.ndarray) -> None:
        """Show a picture of a validation as ``val/NAME``.

        Args:
            step: Steps done.
            name: Of the sample.
            picture: (H, W, 3) uint8 RGB, as `zoo.engine.panel.panel` makes it.
        """
        png = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
        with self._writing(self._events.path):
            self._events.image(step, f"val/{name}", png, *picture.shape[:2])

    def note(self, step: int, text: str) -> None:
        """Keep a text beside the curves: a warning."""
        with self._writing(self._events.path):
            self._events.text(step, "health", text)

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ZooError(
                f"cannot write {path}: {error.strerror or error}; the run can be resumed: --resume {self._folder}"
            ) from error


def _cut_log(path: Path, step: int) -> None:
    """Drop the lines after a step and those torn by a crash."""
    if not path.exists():
        return
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if _step_of(line) <= step]
    if kept != lines:
        write_bytes(path, b"".join(kept))


def _step_of(line: bytes) -> float:
    """Step of a log line; infinite for a line torn by a crash, so that it is cut off."""
    try:
        return float(json.loads(line)["step"]) if line.endswith(b"\n") else float("inf")
    except (ValueError, KeyError, TypeError):
        return float("inf")


def _cut_table(path: Path, step: int) -> None:
    rows = _read_table(path)
    kept = [row for row in rows if int(row["step"]) <= step]
    if kept != rows:
        _write_table(path, kept)


def _read_table(path: Path) -> list[dict[str, str]]:
    """The whole rows of a table."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [row for row in rows if str(row.get("step")).isdigit() and None not in (*row, *row.values())]


def _write_table(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """A table of the rows' columns, each of them empty where a row lacks it; no rows, no table."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
