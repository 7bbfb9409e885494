"""Splits of a data set: their names, and the slice of ``train`` that checkpoints are chosen on."""

from __future__ import annotations

from collections.abc import Sequence

from registry import DatasetSpec, NotFoundError, Sample, UsageError
from registry.errors import did_you_mean

TRAIN, VAL = "train", "val"


def split_name(spec: DatasetSpec, asked: str) -> str:
    """The published spelling of a split; case and underscores for hyphens do not matter.

    Args:
        spec: The data set.
        asked: What the user wrote. ``val`` is known wherever there is a ``train`` to cut it from.

    Raises:
        NotFoundError: There is no such split.
    """
    known = [TRAIN, VAL] if TRAIN in spec.splits else []
    known += [name for name in spec.splits if name not in known]
    spelt = {_plain(name): name for name in known}
    if asked in known or _plain(asked) in spelt:
        return asked if asked in known else spelt[_plain(asked)]
    near = did_you_mean(asked.replace("_", "-"), known)
    raise NotFoundError(f"{spec.name} has no split {asked!r}; splits: {', '.join(known)}.{near}")


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def test_splits(spec: DatasetSpec) -> list[str]:
    """The splits for reporting: all but ``train`` and ``val``."""
    return [name for name in spec.splits if name not in (TRAIN, VAL)]


def validation_slice(samples: Sequence[Sample], count: int | None = None) -> tuple[list[Sample], list[Sample]]:
    """Set some training pictures apart, always the same ones.

    Args:
        samples: The training split.
        count: How many; None: a fifth, at most 100, at least 1; 0: none.

    Returns:
        (train, val), both in the order of ``samples``. Those of ``val`` come first when the names
        are ordered by their SHA-256.

    Raises:
        UsageError: Nothing would be left to train on.
    """
    if count is None:
        count = max(1, min(100, len(samples) // 5))
    if count and count >= len(samples):
        most = f"{len(samples) - 1} at most, or " if len(samples) > 1 else ""
        raise UsageError(
            f"data.val: {count} of {len(samples)} training pictures cannot be set apart for validation; "
            f"give {most}0 to train without"
        )
    apart = {sample.name for sample in sorted(samples, key=_digest)[:count]}
    return [s for s in samples if s.name not in apart], [s for s in samples if s.name in apart]


def _digest(sample: Sample) -> bytes:
    # Names that are no valid Unicode occur on disk; Python carries their bytes as surrogates.
    import hashlib  # 2 ms, and commands that list data sets have no use for it

    return hashlib.sha256(sample.name.encode("utf-8", "surrogateescape")).digest()
