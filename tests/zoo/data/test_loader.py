import threading
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from registry import DataError, Sample, UsageError
from zoo.config import Config
from zoo.data.images import write_png
from zoo.data.loader import AHEAD, Loader
from zoo.data.p3m10k import open_p3m10k


def config(**changes):
    data = {"crop_size": 32, "workers": 2, "cache_mib": 0, "transforms": ({"crop": {}}, {"flip": {}}, {"jitter": {}})}
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
    loader = Loader(samples(), config(epochs=AHEAD))
    assert len(collect(loader)) == 2 * AHEAD


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


# --- Steps of several batches, on several devices ---


def steps(batch_size, accumulate, ranks):
    """The pictures of each step in the order of the module docstring: batch after batch, in each rank after rank."""
    loaders = [
        Loader(samples(26), config(batch_size=batch_size, accumulate=accumulate), r, ranks) for r in range(ranks)
    ]
    assert {loader.step_size for loader in loaders} == {8}
    assert {loader.steps_per_epoch for loader in loaders} == {3}
    columns = [collect(loader) for loader in loaders]
    assert {len(column) for column in columns} == {3 * 3 * accumulate}
    dealt = [batch for row in zip(*columns, strict=True) for batch in row]
    parts = accumulate * ranks
    return [dealt[at : at + parts] for at in range(0, len(dealt), parts)]


@pytest.mark.parametrize(("batch_size", "accumulate", "ranks"), [(4, 2, 1), (4, 1, 2), (2, 2, 2), (1, 1, 8), (1, 8, 1)])
def test_a_step_has_the_same_pictures_however_it_is_divided(batch_size, accumulate, ranks):
    """Names, order, pixels, alphas and trimaps of 8 = batch_size x accumulate x ranks pictures."""
    for whole, parts in zip(steps(8, 1, 1), steps(batch_size, accumulate, ranks), strict=True):
        assert [name for part in parts for name in part.names] == list(whole[0].names)
        assert {part.epoch for part in parts} == {whole[0].epoch}
        assert {len(part.names) for part in parts} == {batch_size}
        for what in ("image", "alpha", "trimap"):
            joined = np.concatenate([getattr(part, what) for part in parts])
            np.testing.assert_array_equal(joined, getattr(whole[0], what))


def test_who_gets_what_by_hand():
    """Batch 2, accumulate 2, ranks 2 as drawn in the module docstring: rank 1 has pictures 2 3 and 6 7 of a step."""
    order = [n for b in collect(Loader(samples(8), config(batch_size=1, epochs=1))) for n in b.names]
    second = collect(Loader(samples(8), config(accumulate=2, epochs=1), rank=1, ranks=2))
    assert [batch.names for batch in second] == [(order[2], order[3]), (order[6], order[7])]


@pytest.mark.parametrize("start", [1, 4])
def test_starting_later_counts_steps_not_batches(start):
    loader = Loader(samples(9), config(accumulate=2))
    assert_same(collect(loader)[2 * start :], collect(loader, start))


# --- The cache ---


def test_cached_pictures_give_the_same_batches_and_are_read_once(tree, monkeypatch):
    """24 pictures of five in six epochs: each of the ten files once, instead of 48 readings."""
    read = []
    from zoo.data import images

    original = images._decode
    monkeypatch.setattr(images, "_decode", lambda path, flags: read.append(path) or original(path, flags))
    found = open_p3m10k(tree(), "train", {})
    plain = collect(Loader(found, config(epochs=6)))
    assert len(read) == 2 * 24
    read.clear()
    loader = Loader(found, config(epochs=6, cache_mib=1, workers=5))
    assert_same(plain, collect(loader))
    assert len(read) == len(set(read)) == 10
    assert_same(plain[1:], collect(loader, 1))
    assert len(read) == 10


def test_memory_by_hand():
    """Batches of 4: 16 pictures ahead and 4 in use; five planes of float32, or three without alphas."""
    loader = Loader(samples(5), config(batch_size=4, crop_size=64))
    assert loader.memory_mib() == 20 * 64 * 64 * 5 * 4 / 2**20
    assert Loader(samples(5, False), config(batch_size=4, crop_size=64)).memory_mib() == 20 * 64 * 64 * 3 * 4 / 2**20


# --- Binary masks ---


def test_binary_masks_are_counted_by_the_whole_alpha():
    """s1 and s3 are masks. Those of the others are soft in a corner that a crop need not show."""
    made = samples(4)
    for index, sample in enumerate(made):
        mask = np.zeros((48, 64), np.float32)
        mask[:, :32] = 1
        if index % 2 == 0:
            mask[:8] = np.linspace(0, 1, 64)
        made[index] = replace(sample, alpha=mask)
    for batch in collect(Loader(made, config(transforms=({"crop": {"min": 0.2, "max": 0.3}},)))):
        assert batch.binary == sum(name in ("s1", "s3") for name in batch.names)
    assert {batch.binary for batch in collect(Loader(samples(labelled=False), config()))} == {0}


# --- Refusals ---


@pytest.mark.parametrize(("count", "text"), [(3, "3 pictures: set train.batch_size to 3"), (1, "1 picture: set")])
def test_batch_larger_than_the_set(count, text):
    with pytest.raises(UsageError) as caught:
        Loader(samples(count), config(batch_size=16))
    assert str(caught.value).startswith(f"train.batch_size is 16, but the training set has {text}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("batch_size", "ranks", "product"),
    [
        (2, 1, "6 pictures (train.batch_size 2 x train.accumulate 3)"),
        (2, 4, "24 pictures (train.batch_size 2 x train.accumulate 3 x --devices 4)"),
        (1, 2, "6 pictures (train.accumulate 3 x --devices 2)"),
    ],
)
def test_step_larger_than_the_set(batch_size, ranks, product):
    with pytest.raises(UsageError) as caught:
        Loader(samples(5), config(batch_size=batch_size, accumulate=3), 0, ranks)
    assert str(caught.value) == f"a step takes {product}, but the training set has 5 pictures: lower one of these"


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


def spoil(root, what):
    """Break one picture of the training set; the message to expect."""
    image = root / "train" / "blurred_image" / "p_00000003.png"
    mask = root / "train" / "mask" / "p_00000003.png"
    if what == "truncated":
        data = cv2.imencode(".jpg", cv2.imread(str(image)))[1].tobytes()
        image.with_suffix(".jpg").write_bytes(data[: len(data) // 2])
        image.unlink()
        return r"p_00000003\.jpg: is truncated"
    if what == "size":
        write_png(mask, np.zeros((20, 32), np.uint8))
        return r"^p_00000003: the image is 32x24 pixels and the mask 32x20"
    mask.unlink()
    return r"^p_00000003: no mask; expected .*p_00000003\.png"


@pytest.mark.parametrize("cache_mib", [0, 1])
@pytest.mark.parametrize("what", ["truncated", "size", "missing"])
def test_error_of_a_thread_reaches_the_consumer(tree, what, cache_mib):
    root = tree()
    message = spoil(root, what)
    loader = Loader(open_p3m10k(root, "train", {}), config(batch_size=5, cache_mib=cache_mib))
    with pytest.raises(DataError, match=message):
        collect(loader)
    assert no_threads()


def forbidden(monkeypatch, name):
    """Nobody may read the file; not by its mode, which root does not mind."""
    original = Path.read_bytes

    def read_bytes(path):
        if path.name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)


def test_file_that_may_not_be_read(tree, monkeypatch):
    found = open_p3m10k(tree(), "train", {})
    forbidden(monkeypatch, found[2].image.name)
    with pytest.raises(DataError, match=r"p_00000003\.png: cannot be read \(Permission denied\)$"):
        collect(Loader(found, config(batch_size=5)))
    assert no_threads()


class Late:
    """An image that a data set fetches only when it is looked at, or fails to."""

    def __array__(self, *_, **__):
        raise KeyError("picture 2 of the archive")


def test_sample_of_a_data_set_that_raises():
    made = samples()
    made[2] = replace(made[2], image=Late())
    with pytest.raises(DataError, match=r"^s2: the image cannot be fetched \(KeyError: 'picture 2 of the archive'\)$"):
        collect(Loader(made, config(batch_size=5)))
    assert no_threads()


def test_the_other_threads_stop_after_an_error():
    """The first picture fails; of the 15 others waiting, only what was begun meanwhile is prepared."""
    begun = []

    class Slow:
        def __init__(self, image):
            self.image = image

        def __array__(self, *_, **__):
            begun.append(1)
            time.sleep(0.02)
            return self.image

    made = [replace(s, image=Slow(s.image)) for s in samples(16)]
    order = [n for b in collect(Loader(samples(16), config(epochs=1, batch_size=1))) for n in b.names]
    first = int(order[0][1:])
    made[first] = replace(made[first], image=Late())
    with pytest.raises(DataError, match=f"^{order[0]}: "):
        collect(Loader(made, config(batch_size=16)))
    assert no_threads()
    assert len(begun) <= 4


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


@pytest.mark.parametrize(
    ("batch_size", "workers", "ahead"),
    [(2, 2, 8), (16, 2, 2), (5, 2, 4), (64, 2, 2), (4, 16, 8)],  # 16 pictures or two per thread, at least two batches
)
def test_little_is_read_ahead(batch_size, workers, ahead):
    """A slow consumer does not fill the memory; the batches count, not the steps they belong to."""
    seen = []

    image = np.zeros((8, 8, 3), np.uint8)

    class Seen:
        def __array__(self, *_, **__):
            seen.append(1)
            return image

    made = [Sample(f"s{index}", Seen(), np.zeros((8, 8), np.float32)) for index in range(128)]
    settings = config(batch_size=batch_size, workers=workers, accumulate=2, epochs=1000, crop_size=8)
    with Loader(made, settings).batches() as batches:
        next(batches)
        time.sleep(0.2)
        assert len(seen) == (1 + ahead) * batch_size
