import threading
from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest

from registry import DataError, Sample, UsageError
from zoo.config import Config
from zoo.data.loader import PREFETCH, Loader
from zoo.data.p3m10k import open_p3m10k


def config(**changes):
    data = {"crop_size": 32, "workers": 2, "transforms": ({"crop": {}}, {"flip": {}}, {"jitter": {}})}
    train = {"batch_size": 2, "epochs": 3, "seed": 7}
    for key, value in changes.items():
        (data if key in data else train)[key] = value
    return Config().override(data=data, train=train)


def samples(count=5, labelled=True, height=48, width=64):
    rng = np.random.default_rng(1)
    made = []
    for index in range(count):
        alpha = np.clip(np.linspace(-1, 2, width, dtype=np.float32), 0, 1) * np.ones((height, 1), np.float32)
        image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        made.append(Sample(f"s{index}", image, alpha if labelled else None))
    return made


def collect(loader, start=0, count=None):
    with loader.batches(start) as batches:
        return list(islice(batches, count))


def assert_same(left, right):
    assert [b.names for b in left] == [b.names for b in right]
    for a, b in zip(left, right, strict=True):
        assert a.epoch == b.epoch
        for part in ("image", "alpha", "trimap"):
            np.testing.assert_array_equal(getattr(a, part), getattr(b, part))


def no_threads():
    return not [t for t in threading.enumerate() if t.name.startswith("zoo-loader")]


def test_batches():
    loader = Loader(samples(), config())
    assert loader.steps_per_epoch == 2
    assert loader.labelled
    batches = collect(loader)
    assert [b.epoch for b in batches] == [0, 0, 1, 1, 2, 2]
    for batch in batches:
        assert len(batch.names) == 2
        assert batch.image.shape == (2, 3, 32, 32)
        assert batch.alpha.shape == batch.trimap.shape == (2, 1, 32, 32)
        for array in (batch.image, batch.alpha, batch.trimap):
            assert array.dtype == np.float32
            assert array.flags.c_contiguous
        assert batch.image.min() >= -1
        assert batch.image.max() <= 1
        assert batch.alpha.min() >= 0
        assert batch.alpha.max() <= 1
        assert set(np.unique(batch.trimap)) <= {0, 0.5, 1}
        assert batch.wait_seconds >= 0


def test_an_epoch_shows_each_picture_at_most_once_in_another_order():
    batches = collect(Loader(samples(8), config(epochs=4)))
    epochs = [[n for b in batches if b.epoch == e for n in b.names] for e in range(4)]
    assert all(sorted(names) == [f"s{i}" for i in range(8)] for names in epochs)
    assert len({tuple(names) for names in epochs}) == 4


def test_a_partial_batch_is_left_out():
    batches = collect(Loader(samples(5), config()))
    assert len(batches) == 6
    for epoch in range(3):
        names = [n for b in batches if b.epoch == epoch for n in b.names]
        assert len(names) == len(set(names)) == 4


@pytest.mark.parametrize("workers", [2, 5])
def test_the_number_of_threads_changes_nothing(workers):
    assert_same(collect(Loader(samples(), config(workers=1))), collect(Loader(samples(), config(workers=workers))))


@pytest.mark.parametrize("start", [1, 2, 5, 6])
def test_starting_later_continues_the_same_sequence(start):
    loader = Loader(samples(), config())
    assert_same(collect(loader)[start:], collect(loader, start))


def test_more_steps_than_are_read_ahead():
    loader = Loader(samples(), config(epochs=2 * PREFETCH))
    assert len(collect(loader)) == 4 * PREFETCH


def test_the_seed_counts():
    first, other = (collect(Loader(samples(), config(seed=seed))) for seed in (7, 8))
    assert [b.names for b in first] != [b.names for b in other]
    assert_same(first, collect(Loader(samples(), config(seed=7))))


def test_a_picture_differs_between_epochs():
    batches = collect(Loader(samples(1), config(batch_size=1)))
    assert not np.array_equal(batches[0].image, batches[1].image)


def test_normalisation_by_hand():
    """(x / 255 - mean) / std for each channel of an RGB picture of one colour."""
    sample = Sample("a", np.full((8, 8, 3), (255, 51, 0), np.uint8), np.zeros((8, 8), np.float32))
    settings = config(batch_size=1, transforms=(), crop_size=8).override(
        model={"mean": (0.5, 0.4, 0.3), "std": (0.5, 0.2, 0.1)}
    )
    image = collect(Loader([sample], settings))[0].image
    for channel, expected in enumerate(((1 - 0.5) / 0.5, (0.2 - 0.4) / 0.2, (0 - 0.3) / 0.1)):
        np.testing.assert_allclose(image[0, channel], expected, rtol=1e-6)


def test_image_alpha_and_trimap_flip_together():
    """The same random stream with and without the mirror (MS-MODNet left the trimap as it was)."""
    straight, mirrored = (
        collect(Loader(samples(), config(transforms=({"crop": {}}, {"flip": {"p": p}})))) for p in (0, 1)
    )
    for a, b in zip(straight, mirrored, strict=True):
        np.testing.assert_array_equal(a.image, b.image[..., ::-1])
        np.testing.assert_allclose(a.alpha, b.alpha[..., ::-1], atol=1e-6)
        known = (a.trimap != 0.5) & (b.trimap[..., ::-1] != 0.5)
        np.testing.assert_array_equal(a.trimap[known], b.trimap[..., ::-1][known])
        # Kernels of even side reach a pixel further to one side.
        assert (a.trimap != b.trimap[..., ::-1]).mean() < 0.1
        assert (a.trimap == 0.5).any()


def test_the_trimap_fits_the_alpha():
    for batch in collect(Loader(samples(), config())):
        assert (batch.alpha[batch.trimap == 0] == 0).all()
        assert (batch.alpha[batch.trimap == 1] >= 0.9).all()


def test_a_trimap_file_is_not_read_for_training(tmp_path):
    bad = [replace(s, trimap=tmp_path / "none.png") for s in samples()]
    assert_same(collect(Loader(bad, config())), collect(Loader(samples(), config())))


def test_unlabelled():
    loader = Loader(samples(labelled=False), config())
    assert not loader.labelled
    batch = collect(loader)[0]
    assert batch.alpha is None
    assert batch.trimap is None
    assert np.isfinite(batch.image).all()


def test_files(tree):
    batches = collect(Loader(open_p3m10k(tree(), "train", {}), config()))
    assert batches[0].names[0].startswith("p_")


# --- Refusals ---


@pytest.mark.parametrize(("count", "text"), [(3, "3 pictures: set train.batch_size to 3"), (1, "1 picture: set")])
def test_batch_larger_than_the_set(count, text):
    with pytest.raises(UsageError) as caught:
        Loader(samples(count), config(batch_size=16))
    assert str(caught.value).startswith(f"train.batch_size is 16, but the training set has {text}")
    assert "\n" not in str(caught.value)


def test_labelled_and_unlabelled_mixed():
    mixed = samples(4)
    mixed[2] = replace(mixed[2], alpha=None)
    with pytest.raises(
        DataError, match=r"^1 of 4 training pictures have no alpha \(the first is s2\), the others have"
    ):
        Loader(mixed, config())


def test_wrong_transform():
    with pytest.raises(UsageError, match=r"^data\.transforms\[0\]: no transform 'blur'"):
        Loader(samples(), config(transforms=({"blur": {}},)))


# --- Threads ---


def test_error_of_a_thread_reaches_the_consumer(tree):
    root = tree()
    path = root / "train" / "blurred_image" / "p_00000003.png"
    path.write_bytes(path.read_bytes()[:100])
    loader = Loader(open_p3m10k(root, "train", {}), config(batch_size=5))
    with pytest.raises(DataError, match=r"p_00000003\.png: is truncated"):
        collect(loader)
    assert no_threads()


def test_error_of_our_own_names_the_picture(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("zoo.data.loader.training_trimap", broken)
    with pytest.raises(RuntimeError, match=r"^preparing s\d \(an array\) failed: division by zero"):
        collect(Loader(samples(), config()))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_threads_end_when_the_consumer_stops(error):
    before = cv2.getNumThreads()

    def consume():
        with Loader(samples(), config(epochs=1000)).batches() as batches:
            next(batches)
            assert not no_threads()
            raise error

    with pytest.raises(error):
        consume()
    assert no_threads()
    assert cv2.getNumThreads() == before


def test_threads_end_at_the_end():
    with Loader(samples(), config()).batches() as batches:
        for _ in batches:
            pass
        assert no_threads()


def test_little_is_read_ahead(monkeypatch):
    """A slow consumer does not fill the memory."""
    read = []
    from zoo.data import loader as module

    original = module.load
    monkeypatch.setattr(module, "load", lambda sample: read.append(sample.name) or original(sample))
    with Loader(samples(), config(epochs=1000)).batches() as batches:
        next(batches)
        deadline = threading.Event()
        deadline.wait(0.3)
        assert len(read) <= 2 * (PREFETCH + 1)
