"""How fast training pictures are read and varied, beside PyTorch's loader and beside the network that uses them.

    pytest benchmarks/test_loader.py --benchmark-only

Thirty-two drawn portraits of 1080 x 1440, JPEG of quality 95 with a PNG alpha: decoding, crop, flip, jitter, trimap,
normalisation, batches. The peer does the same work with the same functions in the workers of a PyTorch `DataLoader`;
its workers have started before the clock does. Sixteen photos of 12 megapixels show what decoding them reduced
(`zoo.data.reduction`) brings. At the end: how many times faster than a training step the loader is.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from portraits import make_pair

from registry import Sample
from zoo.config import Config, DataConfig
from zoo.data.augment import Picture, augment, parse
from zoo.data.folder import open_folder
from zoo.data.images import write_png
from zoo.data.loader import Loader
from zoo.data.normalise import normalise
from zoo.data.samples import load
from zoo.data.trimap import training_trimap

COUNT, PHOTOS = 32, 16
SIZES = [pytest.param(256, 4, id="4x256"), pytest.param(512, 16, id="16x512")]
TRANSFORMS = ({"crop": {}}, {"flip": {}}, {"jitter": {}})

RATES: dict[str, float] = {}
"""Images per second by what was measured, for the comparison with the training step."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training set in folders."""
    return draw(tmp_path_factory.mktemp("portraits"), COUNT, 1440, 1080)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one, of 12 megapixels as phones take them."""
    return draw(tmp_path_factory.mktemp("photos"), PHOTOS, 4032, 3024)


def draw(folder: Path, count: int, height: int, width: int) -> Path:
    for name in ("image", "alpha"):
        (folder / "train" / name).mkdir(parents=True)
    alpha = np.clip(cv2.resize(make_pair("strands")[1], (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)
    rng = np.random.default_rng(0)
    for number in range(count):
        ground, skin = (
            cv2.resize(
                rng.integers(0, 256, (*cells, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
            )
            for cells in ((12, 9), (48, 36))
        )
        image = skin * alpha[..., None] + ground * (1 - alpha[..., None]) + rng.normal(0, 4, (height, width, 3))
        data = cv2.imencode(".jpg", np.clip(image, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        (folder / "train" / "image" / f"p{number:02d}.jpg").write_bytes(data.tobytes())
        write_png(folder / "train" / "alpha" / f"p{number:02d}.png", alpha)
    return folder


def configured(side: int, batch: int, **data: int) -> Config:
    return Config(data=DataConfig(crop_size=side, transforms=TRANSFORMS, **data)).override(
        train={"batch_size": batch, "epochs": 1}
    )


def epoch(batches: Loader) -> int:
    """Pictures that a pass gives."""
    with batches.batches() as found:
        return sum(len(batch.names) for batch in found)


@pytest.mark.parametrize(("side", "batch"), SIZES)
@pytest.mark.parametrize(
    ("workers", "cache_mib"), [(1, 0), (2, 0), (2, 1000)], ids=["one thread", "two threads", "two threads, cached"]
)
def test_loader(benchmark, request, root, side, batch, workers, cache_mib):
    loader = Loader(open_folder(root, "train", {}), configured(side, batch, workers=workers, cache_mib=cache_mib))
    assert benchmark.pedantic(epoch, (loader,), rounds=5, warmup_rounds=1) == COUNT
    keep_rate(benchmark, request, COUNT)


@pytest.mark.parametrize("decoded", ["reduced", "whole"])
def test_photos(benchmark, request, photos, monkeypatch, decoded):
    """16 x 512, two threads: windows of at least 1512 pixels, so that a half of the size is enough."""
    if decoded == "whole":
        monkeypatch.setattr("zoo.data.loader.reduction_of", lambda *_: 1)
    loader = Loader(open_folder(photos, "train", {}), configured(512, 16, workers=2))
    assert benchmark.pedantic(epoch, (loader,), rounds=5, warmup_rounds=1) == PHOTOS
    keep_rate(benchmark, request, PHOTOS)


class Peer:
    """What `torch.utils.data.DataLoader` takes."""

    def __init__(self, samples: list[Sample], side: int) -> None:
        self._samples, self._side, self._transforms = samples, side, parse(TRANSFORMS)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng()
        loaded = load(self._samples[index])
        picture = augment(Picture(loaded.image, loaded.alpha), self._transforms, self._side, rng)
        image = normalise(picture.image, (0.5,) * 3, (0.5,) * 3)
        return image, picture.alpha[None], training_trimap(picture.alpha, rng)[None]


@pytest.mark.parametrize(("side", "batch"), SIZES)
def test_torch(benchmark, request, root, side, batch):
    torch_rate(benchmark, request, root, side, batch, COUNT)


def test_torch_photos(benchmark, request, photos):
    """Its two workers have eight of the pictures each: a batch of 16 would leave one of them idle."""
    torch_rate(benchmark, request, photos, 512, 8, PHOTOS)


def torch_rate(benchmark, request, root, side, batch, count) -> None:
    data = pytest.importorskip("torch.utils.data")
    loader = data.DataLoader(
        Peer(open_folder(root, "train", {}), side),
        batch,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
        worker_init_fn=lambda _: cv2.setNumThreads(0),
    )
    found = benchmark.pedantic(lambda: sum(len(images) for images, _, _ in loader), rounds=5, warmup_rounds=1)
    assert found == count
    keep_rate(benchmark, request, count)


def keep_rate(benchmark, request, count) -> None:
    if benchmark.stats is None:  # measuring is switched off
        return
    rate = count / benchmark.stats.stats.median
    benchmark.extra_info["images_per_s"] = round(rate, 1)
    RATES[request.node.name] = rate


def test_training_step(benchmark, root, tmp_path, monkeypatch, capsys):
    """Eight steps of MODNet with batch 4 at 256, as `zoo train` logs them; the first compiles and does not count."""
    from zoo.cli import run

    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    command = f"train modnet --dataset folder --data-root {root} --output {tmp_path / 'run'} --device CPU"
    settings = ("data.crop_size=256", "train.batch_size=4", "train.epochs=1", "data.val=0")
    words = [*command.split(), *(word for setting in settings for word in ("--set", setting))]
    assert benchmark.pedantic(run, (words,), rounds=1) == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "loss" in line][1:]
    assert len(steps) == COUNT // 4 - 1
    rate = float(np.median([line["images_per_s"] for line in steps]))
    benchmark.extra_info["images_per_s"] = round(rate, 2)
    waited = float(np.median([line["wait"] for line in steps]))
    with capsys.disabled():
        print(f"\ntraining step: {rate:.2f} images/s, {waited:.1%} of it waiting for the loader")
        for name, found in RATES.items():
            print(f"  {name}: {found:.1f} images/s" + (f", {found / rate:.0f} x" if "4x256" in name else ""))
