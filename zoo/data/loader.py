"""Training batches, read and varied by threads ahead of the training loop.

What a batch holds depends on the samples, the config and its step alone: not on the number of threads, nor on the step
that training started with. So a resumed run sees what an unbroken one would have seen.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from registry import DataError, Sample, UsageError, ZooError
from zoo.config import Config
from zoo.data.augment import Picture, augment, parse
from zoo.data.normalise import normalise
from zoo.data.opencv import cv2
from zoo.data.samples import load
from zoo.data.trimap import training_trimap

PREFETCH = 4
"""Batches read ahead of the one in use. A batch of 16 at 512 pixels takes 80 MiB."""


@dataclass(frozen=True)
class Batch:
    """What one optimizer step sees; N pictures of ``data.crop_size`` (c) squared.

    Attributes:
        names: Names of the N samples.
        image: (N, 3, c, c) float32 RGB, normalised by ``model.mean`` and ``model.std``.
        alpha: (N, 1, c, c) float32 in [0, 1]; None for unlabelled pictures.
        trimap: (N, 1, c, c) float32 in {0, 0.5, 1}; None for unlabelled pictures.
        epoch: Pass over the samples it belongs to, from 0.
        wait_seconds: How long the consumer waited for it.
    """

    names: tuple[str, ...]
    image: np.ndarray
    alpha: np.ndarray | None
    trimap: np.ndarray | None
    epoch: int
    wait_seconds: float = 0.0


class Loader:
    """Batches of a training set.

    Use it as ``with loader.batches(start) as batches: for batch in batches: ...``; leaving the block ends the
    threads.

    Attributes:
        samples: The training set.
        labelled: Whether its pictures have alphas.
    """

    def __init__(self, samples: Sequence[Sample], config: Config) -> None:
        """Check that the samples can be trained on; nothing is read yet.

        Args:
            samples: The training set. Its order counts: it is part of what a seed stands for.
            config: ``train.batch_size``, ``train.epochs``, ``train.seed``, ``data.crop_size``, ``data.workers``,
                ``data.transforms``, ``model.mean`` and ``model.std`` are read.

        Raises:
            UsageError: The batch is larger than the set, or ``data.transforms`` is wrong.
            DataError: Some of the pictures have alphas and some have none.
        """
        self.samples = tuple(samples)
        self._config = config
        self._transforms = parse(config.data.transforms)
        batch, count = config.train.batch_size, len(self.samples)
        if batch > count:
            raise UsageError(
                f"train.batch_size is {batch}, but the training set has {count} picture{'s' * (count != 1)}: "
                f"set train.batch_size to {count} or less"
            )
        bare = [sample.name for sample in self.samples if sample.alpha is None]
        if bare and len(bare) < count:
            raise DataError(
                f"{len(bare)} of {count} training pictures have no alpha (the first is {bare[0]}), the others have: "
                "train on one kind at a time"
            )
        self.labelled = not bare

    @property
    def steps_per_epoch(self) -> int:
        """Batches in a pass over the samples; the rest, too few for a batch, wait for another epoch's order."""
        return len(self.samples) // self._config.train.batch_size

    def batches(self, start: int = 0) -> AbstractContextManager[Iterator[Batch]]:
        """The batches from a step on, to the end of the last epoch.

        Args:
            start: Steps already done.

        Returns:
            A context manager that gives the iterator. Iterating raises what reading raises: a
            `DataError` that names the file, for example.
        """
        return closing(self._generate(start))

    def _generate(self, start: int) -> Generator[Batch, None, None]:
        steps = iter(range(start, self._config.train.epochs * self.steps_per_epoch))
        pool = ThreadPoolExecutor(self._config.data.workers, thread_name_prefix="zoo-loader")
        # OpenCV would split each call over all cores once more, under every one of our threads. The setting is
        # the process's, so it is put back.
        threads = cv2.getNumThreads()
        cv2.setNumThreads(0)
        try:
            ahead = deque(self._submit(pool, step) for step in islice(steps, PREFETCH))
            while ahead:
                batch, parts = ahead.popleft()
                began = time.perf_counter()
                for part in parts:
                    part.result()
                waited = time.perf_counter() - began
                ahead.extend(self._submit(pool, step) for step in islice(steps, 1))
                yield replace(batch, wait_seconds=waited)
        finally:
            pool.shutdown(cancel_futures=True)
            cv2.setNumThreads(threads)

    def _submit(self, pool: ThreadPoolExecutor, step: int) -> tuple[Batch, list[Future[None]]]:
        """An empty batch, and the tasks that each fill one picture of it."""
        epoch, indices = self._plan(step)
        side = self._config.data.crop_size
        batch = Batch(
            names=tuple(self.samples[index].name for index in indices),
            image=np.empty((len(indices), 3, side, side), np.float32),
            alpha=np.empty((len(indices), 1, side, side), np.float32) if self.labelled else None,
            trimap=np.empty((len(indices), 1, side, side), np.float32) if self.labelled else None,
            epoch=epoch,
        )
        return batch, [pool.submit(self._fill, batch, slot, index) for slot, index in enumerate(indices)]

    def _plan(self, step: int) -> tuple[int, list[int]]:
        """The epoch of a step and the indices of its samples."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng([self._config.train.seed, epoch]).permutation(len(self.samples))
        size = self._config.train.batch_size
        return epoch, order[position * size : (position + 1) * size].tolist()

    def _fill(self, batch: Batch, slot: int, index: int) -> None:
        sample, config = self.samples[index], self._config
        # A generator's trailing zeros do not count: [seed, epoch, 0] would be the one that orders the epoch.
        rng = np.random.default_rng([config.train.seed, batch.epoch, index + 1])
        try:
            loaded = load(replace(sample, trimap=None))
            picture = augment(Picture(loaded.image, loaded.alpha), self._transforms, config.data.crop_size, rng)
            normalise(picture.image, config.model.mean, config.model.std, out=batch.image[slot])
            if picture.alpha is not None and batch.alpha is not None and batch.trimap is not None:
                batch.alpha[slot, 0] = picture.alpha
                batch.trimap[slot, 0] = training_trimap(picture.alpha, rng)
        except ZooError:
            raise
        except Exception as error:
            raise RuntimeError(f"preparing {sample.name} ({_origin(sample)}) failed: {error}") from error


def _origin(sample: Sample) -> str:
    return "an array" if isinstance(sample.image, np.ndarray) else str(sample.image)
