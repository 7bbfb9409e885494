"""Run folders: where a training or an evaluation writes, and how an earlier one is found again.

runs/MODEL/STAMP/        config.yaml env.json log.jsonl log.txt metrics.csv events* checkpoints/{last,best}.ckpt
runs/MODEL/eval/STAMP/   report.json per_image.csv report.html log.txt mattes/
"""

from __future__ import annotations

import time
from pathlib import Path

from registry import NotFoundError, UsageError

CHECKPOINTS = "checkpoints"
LAST = "last.ckpt"
BEST = "best.ckpt"


def is_run(path: Path) -> bool:
    """Whether a folder is a run: it has ``checkpoints/``."""
    return (path / CHECKPOINTS).is_dir()


def new_folder(output: str | Path | None, *parents: str) -> Path:
    """An empty folder to write into.

    Args:
        output: The folder itself; None: a time stamp below ``runs/`` and the parents, in the current folder.
        parents: Folders between ``runs`` and the stamp.

    Raises:
        UsageError: The folder has something in it, or is a file.
    """
    if output is None:
        base = Path("runs", *parents)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        path = base / stamp
        number = 2
        while path.exists():
            path = base / f"{stamp}-{number}"
            number += 1
    else:
        path = Path(output)
        if path.exists() and not path.is_dir():
            raise UsageError(f"--output {path}: that is a file, name a folder")
        if path.is_dir() and any(path.iterdir()):
            raise UsageError(f"--output {path}: the folder is not empty; name another one or remove it")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output {path}: cannot make the folder ({error.strerror})") from error
    return path


def find_checkpoint(asked: str | Path | None, model: str) -> Path:
    """The checkpoint file that a text names.

    Args:
        asked: A ``.ckpt`` file or a run (its best checkpoint, else its last); None: the newest run of the model
            below ``runs/`` in the current folder.
        model: Name of the model.

    Raises:
        NotFoundError: There is none.
    """
    if asked is None:
        return _of_run(newest_run(model))
    path = Path(asked)
    if path.is_file():
        return path
    if path.is_dir():
        return _of_run(path)
    raise NotFoundError(f"no checkpoint {path}; give a .ckpt file or the folder of a run")


def newest_run(model: str) -> Path:
    """The run of a model that wrote a checkpoint last.

    Raises:
        NotFoundError: The model has no run with a checkpoint here.
    """
    base = Path("runs", model)
    files = [p for name in (LAST, BEST) for p in base.glob(f"*/{CHECKPOINTS}/{name}")]
    if not files:
        raise NotFoundError(
            f"no run of {model!r} in {base}/ here; train one (zoo train {model}) or name one with --checkpoint"
        )
    return max(files, key=lambda p: p.stat().st_mtime_ns).parent.parent


def _of_run(path: Path) -> Path:
    for name in (BEST, LAST):
        if (path / CHECKPOINTS / name).is_file():
            return path / CHECKPOINTS / name
    raise NotFoundError(f"{path} holds no {CHECKPOINTS}/{BEST} nor {CHECKPOINTS}/{LAST}")
