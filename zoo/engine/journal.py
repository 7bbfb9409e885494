"""What a training run writes down: ``log.jsonl`` per step, ``metrics.csv`` per validation, TensorBoard events."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Journal:
    """The records of one run; used as a context manager.

    Args:
        folder: The run folder.
        after_step: Step of the checkpoint that a resumed run continues from: later records are cut off. 0 for a
            new run.
    """

    def __init__(self, folder: Path, after_step: int = 0) -> None:
        from tensorboardX import SummaryWriter

        self._folder = folder
        self._cut_back(after_step)
        self._log = open(folder / "log.jsonl", "a", encoding="utf-8")  # noqa: SIM115 - closed by __exit__
        self._events = SummaryWriter(str(folder), purge_step=after_step + 1 if after_step else None, flush_secs=10)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()
        self._events.close()

    def step(self, record: Mapping[str, Any]) -> None:
        """Append the record of one optimizer step, flushed at once."""
        self._log.write(json.dumps(record) + "\n")
        self._log.flush()
        for name, value in record.items():
            if name not in ("step", "epoch"):
                self._events.add_scalar(f"train/{name}", value, record["step"])

    def validation(self, step: int, epoch: int, metrics: Mapping[str, float | None]) -> None:
        """Append the metrics of one validation."""
        path = self._folder / "metrics.csv"
        new = not path.exists()
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "epoch", *metrics])
            writer.writerow([step, epoch, *("" if v is None else repr(v) for v in metrics.values())])
        for name, value in metrics.items():
            if value is not None:
                self._events.add_scalar(f"val/{name}", value, step)

    def _cut_back(self, step: int) -> None:
        log = self._folder / "log.jsonl"
        if log.exists():
            kept = [
                line for line in log.read_text(encoding="utf-8").splitlines(keepends=True) if _step_of(line) <= step
            ]
            log.write_text("".join(kept), encoding="utf-8")
        table = self._folder / "metrics.csv"
        if table.exists():
            header, *rows = table.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
            rows = [row for row in rows if row.partition(",")[0].isdigit() and int(row.partition(",")[0]) <= step]
            table.write_text(header + "".join(rows), encoding="utf-8")


def _step_of(line: str) -> float:
    """Step of a log line; infinite for a line torn by a crash, so that it is cut off."""
    try:
        return float(json.loads(line)["step"]) if line.endswith("\n") else float("inf")
    except (ValueError, KeyError, TypeError):
        return float("inf")
