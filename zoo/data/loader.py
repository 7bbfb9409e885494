"""Training batches, read and varied by threads ahead of the training loop.

What a batch holds depends on the samples, the config and its step alone: not on the number of threads, nor on the step
that training started with. So a resumed run sees what an unbroken one would have seen. Large photos are decoded reduced
where every crop stays as large as the batch needs it (`zoo.data.reduction`): that too is decided by file and config.

An optimizer step takes ``train.batch_size * train.accumulate * ranks`` pictures, the next ones in the epoch's order.
They are dealt out so that the step's pictures, and what augmentation makes of them, are the same for every way to
write that product: a run on two devices sees what a run on one with ``train.accumulate: 2`` sees.

    batch_size 2, accumulate 2, ranks 2     picture   0 1 | 2 3 | 4 5 | 6 7
                                            batch       0 |   0 |   1 |   1
                                            rank        0 |   1 |   0 |   1
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil

import numpy as np

from registry import DataError, Sample, UsageError, ZooError
from zoo.config import Config
from zoo.data.augment import Picture, augment, parse
from zoo.data.binary import is_binary
from zoo.data.cache import Cache
from zoo.data.images import alpha_of
from zoo.data.normalise import normalise
from zoo.data.opencv import cv2
from zoo.data.reduction import reduction_of
from zoo.data.samples import Decoded, decode, fit_alpha
from zoo.data.trimap import training_trimap

AHEAD = 16
"""Pictures read ahead of the batch in use, at least. One of 512 pixels takes 5 MiB."""


@dataclass(frozen=True)
class Batch:
    """What goes through the network at once; N pictures of ``data.crop_size`` (c) squared.

    Attributes:
        names: Names of the N samples.
        image: (N, 3, c, c) float32 RGB, normalised by ``model.mean`` and ``model.std``.
        alpha: (N, 1, c, c) float32 in [0, 1]; None for unlabelled pictures.
        trimap: (N, 1, c, c) float32 in {0, 0.5, 1}; None for unlabelled pictures.
        epoch: Pass over the samples it belongs to, from 0.
        binary: Of how many pictures the whole alpha, not only this crop, is binary (`zoo.data.binary.is_binary`); 0 of
            unlabelled ones.
        wait_seconds: How long the consumer waited for it.
    """

    names: tuple[str, ...]
    image: np.ndarray
    alpha: np.ndarray | None
    trimap: np.ndarray | None
    epoch: int
    binary: int = 0
    wait_seconds: float = 0.0


class Loader:
    """Batches of a training set, for one device of a group.

    Use it as ``with loader.batches(start) as batches: for batch in batches: ...``; leaving the block ends the
    threads.

    Attributes:
        samples: The training set.
        labelled: Whether its pictures have alphas.
    """

    def __init__(self, samples: Sequence[Sample], config: Config, rank: int = 0, ranks: int = 1) -> None:
        """Check that the samples can be trained on; nothing is read yet.

        Args:
            samples: The training set. Its order counts: it is part of what a seed stands for.
            config: ``train.batch_size``, ``train.accumulate``, ``train.epochs``, ``train.seed``, ``data.crop_size``,
                ``data.workers``, ``data.cache_mib``, ``data.transforms``, ``model.mean`` and ``model.std`` are read.
            rank: Which device of the group the batches are for, from 0.
            ranks: Devices that train together, each with a loader of the same samples and config.

        Raises:
            UsageError: A step takes more pictures than there are, or ``data.transforms`` is wrong.
            DataError: Some of the pictures have alphas and some have none.
        """
        assert 0 <= rank < ranks, f"rank {rank} of {ranks}"
        self.samples = tuple(samples)
        self._config = config
        self._rank, self._ranks = rank, ranks
        self._transforms = parse(config.data.transforms)
        self._refuse_large_steps()
        bare = [sample.name for sample in self.samples if sample.alpha is None]
        if bare and len(bare) < len(self.samples):
            raise DataError(
                f"{len(bare)} of {len(self.samples)} training pictures have no alpha (the first is {bare[0]}), the "
                "others have: train on one kind at a time"
            )
        self.labelled = not bare
        self._cache = Cache(self.samples, config.data.cache_mib, self._decode)
        self._binary: dict[int, bool] = {}

    def _refuse_large_steps(self) -> None:
        train, count = self._config.train, len(self.samples)
        if self.step_size <= count:
            return
        there = f"the training set has {count} picture{'s' * (count != 1)}"
        if train.batch_size == self.step_size:
            raise UsageError(
                f"train.batch_size is {train.batch_size}, but {there}: set train.batch_size to {count} or less"
            )
        factors = (
            ("train.batch_size", train.batch_size),
            ("train.accumulate", train.accumulate),
            ("--devices", self._ranks),
        )
        product = " x ".join(f"{key} {value}" for key, value in factors if value > 1)
        raise UsageError(f"a step takes {self.step_size} pictures ({product}), but {there}: lower one of these")

    @property
    def step_size(self) -> int:
        """Pictures that an optimizer step takes, on all devices together."""
        return self._config.train.batch_size * self._config.train.accumulate * self._ranks

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in a pass over the samples; the rest, too few for a step, wait for another epoch's order."""
        return len(self.samples) // self.step_size

    def memory_mib(self) -> float:
        """Memory that the batches and the pictures of ``data.cache_mib`` come to at most, in MiB."""
        pixels = (1 + self._depth) * self._config.train.batch_size * self._config.data.crop_size**2
        planes = 5 if self.labelled else 3
        return (4 * planes * pixels + self._cache.most(self._factor)) / 2**20

    def batches(self, start: int = 0) -> AbstractContextManager[Iterator[Batch]]:
        """This device's batches from an optimizer step on, to the end of the last epoch.

        Args:
            start: Optimizer steps already done.

        Returns:
            A context manager that gives the iterator, ``train.accumulate`` batches for each step. Iterating raises
            what reading raises: a `DataError` that names the file, for example.
        """
        return closing(self._generate(start))

    def _generate(self, start: int) -> Generator[Batch, None, None]:
        train = self._config.train
        numbers = iter(range(start * train.accumulate, train.epochs * self.steps_per_epoch * train.accumulate))
        pool = ThreadPoolExecutor(self._config.data.workers, thread_name_prefix="zoo-loader")
        # OpenCV would split each call over all cores once more, under every one of our threads. The setting is
        # the process's, so it is put back.
        threads = cv2.getNumThreads()
        cv2.setNumThreads(0)
        try:
            ahead = deque(self._submit(pool, number) for number in islice(numbers, self._depth))
            while ahead:
                batch, parts = ahead.popleft()
                began = time.perf_counter()
                binary = sum(part.result() for part in parts)
                waited = time.perf_counter() - began
                ahead.extend(self._submit(pool, number) for number in islice(numbers, 1))
                yield replace(batch, binary=binary, wait_seconds=waited)
        finally:
            pool.shutdown(cancel_futures=True)
            cv2.setNumThreads(threads)

    @property
    def _depth(self) -> int:
        """Batches read ahead: one is waited for while the threads go on with another, and small ones last no time."""
        pictures = max(AHEAD, 2 * self._config.data.workers)
        return max(2, ceil(pictures / self._config.train.batch_size))

    def _submit(self, pool: ThreadPoolExecutor, number: int) -> tuple[Batch, list[Future[bool]]]:
        """An empty batch, and the tasks that each fill one picture of it."""
        epoch, indices = self._plan(number)
        side = self._config.data.crop_size
        batch = Batch(
            names=tuple(self.samples[index].name for index in indices),
            image=np.empty((len(indices), 3, side, side), np.float32),
            alpha=np.empty((len(indices), 1, side, side), np.float32) if self.labelled else None,
            trimap=np.empty((len(indices), 1, side, side), np.float32) if self.labelled else None,
            epoch=epoch,
        )
        return batch, [pool.submit(self._fill, batch, slot, index) for slot, index in enumerate(indices)]

    def _plan(self, number: int) -> tuple[int, list[int]]:
        """Epoch and sample indices of this device's batch of a number, counted from 0 over all epochs."""
        train = self._config.train
        step, part = divmod(number, train.accumulate)
        epoch, position = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng([train.seed, epoch]).permutation(len(self.samples))
        first = position * self.step_size + (part * self._ranks + self._rank) * train.batch_size
        return epoch, order[first : first + train.batch_size].tolist()

    def _factor(self, sample: Sample) -> int:
        return reduction_of(sample.image, self._transforms, self._config.data.crop_size)

    def _decode(self, index: int) -> Decoded:
        """A sample as the transforms get it; whether its alpha is binary is found out while that is whole."""
        sample = self.samples[index]
        factor = self._factor(sample)
        decoded = decode(sample, factor)
        if decoded.alpha is not None and index not in self._binary:
            self._binary[index] = is_binary(decoded.alpha)
        return fit_alpha(sample, decoded, factor)

    def _fill(self, batch: Batch, slot: int, index: int) -> bool:
        """Put a sample into a batch; whether its alpha is binary."""
        sample, config = self.samples[index], self._config
        # A generator's trailing zeros do not count: [seed, epoch, 0] would be the one that orders the epoch.
        rng = np.random.default_rng([config.train.seed, batch.epoch, index + 1])
        try:
            decoded = self._cache.get(index)
            picture = augment(
                Picture(decoded.image, _in_unit_range(decoded.alpha)), self._transforms, config.data.crop_size, rng
            )
            normalise(picture.image, config.model.mean, config.model.std, out=batch.image[slot])
            if decoded.alpha is None or picture.alpha is None or batch.alpha is None or batch.trimap is None:
                return False
            batch.alpha[slot, 0] = picture.alpha
            batch.trimap[slot, 0] = training_trimap(picture.alpha, rng)
            return self._binary[index]
        except ZooError:
            raise
        except Exception as error:
            raise RuntimeError(f"preparing {sample.name} ({_origin(sample)}) failed: {error}") from error


def _in_unit_range(alpha: np.ndarray | None) -> np.ndarray | None:
    return alpha if alpha is None or alpha.dtype == np.float32 else alpha_of(alpha)


def _origin(sample: Sample) -> str:
    return "an array" if isinstance(sample.image, np.ndarray) else str(sample.image)
