import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from registry import DataError, Sample
from zoo.data.cache import Cache
from zoo.data.images import write_png
from zoo.data.samples import decode

MIB = 2**20


def cached(samples, mib, reads=None):
    """A cache that decodes; ``reads`` gets the names in the order in which they are, each slowly."""

    def read(index):
        if reads is not None:
            reads.append(samples[index].name)
            time.sleep(0.005)
        return decode(samples[index])

    return Cache(samples, mib, read)


def files(folder, count, side=512, dtype=np.uint8):
    """Pictures of side x side; at 512 one takes 768 KiB, its alpha in 8 bits 256 KiB: 1 MiB together."""
    made = []
    rng = np.random.default_rng(0)
    for index in range(count):
        image, alpha = folder / f"i{index}.png", folder / f"a{index}.png"
        write_png(image, rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
        write_png(alpha, np.full((side, side), index, np.uint8))
        made.append(Sample(f"s{index}", image, alpha))
    return made


def test_a_kept_picture_is_what_its_file_holds(tmp_path):
    (sample,) = files(tmp_path, 1, 8)
    cache = cached([sample], 1)
    first = cache.get(0)
    assert cache.get(0) is first
    again = cached([sample], 0).get(0)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.alpha, again.alpha)
    assert first.alpha.dtype == np.uint8


def test_no_cache(tmp_path):
    reads = []
    cache = cached(files(tmp_path, 1, 8), 0, reads)
    cache.get(0), cache.get(0)
    assert reads == ["s0", "s0"]
    assert cache.used == 0


def test_what_fits_is_kept_and_the_rest_is_read_again(tmp_path):
    """Room for two of three pictures: the first two."""
    reads = []
    cache = cached(files(tmp_path, 3), 2, reads)
    for index in (2, 0, 1, 2, 0, 1):
        cache.get(index)
    assert reads == ["s2", "s0", "s1", "s1"]
    assert cache.used == 2 * MIB


def test_a_small_picture_still_fits_where_a_large_one_does_not(tmp_path):
    reads = []
    large, small = tmp_path / "large", tmp_path / "small"
    large.mkdir()
    small.mkdir()
    big, little = files(large, 1, 640)[0], replace(files(small, 1, 8)[0], name="little")  # 1.56 MiB and 256 bytes
    cache = cached([big, little], 1, reads)
    for index in (0, 1, 0, 1):
        cache.get(index)
    assert reads == ["s0", "little", "s0"]
    assert cache.used == 8 * 8 * 4


def test_memory_is_what_the_arrays_own(tmp_path):
    """Of a mask with three channels only one is kept, and not as part of all three."""
    sample = files(tmp_path, 1)[0]
    mask = np.zeros((512, 512, 3), np.uint8)
    write_png(sample.alpha, mask)
    cache = cached([sample], 8)
    kept = cache.get(0)
    assert cache.used == kept.image.nbytes + kept.alpha.nbytes == MIB
    assert kept.image.base is None
    assert kept.alpha.base is None


def test_arrays_of_the_sample_itself_cost_nothing(tmp_path):
    image, alpha = np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6))
    cache = cached([Sample("a", image, alpha)], 1)
    kept = cache.get(0)
    assert kept.image is image
    assert cache.used == kept.alpha.nbytes == 4 * 6 * 4  # float64 became float32


@pytest.mark.parametrize(("mib", "most"), [(0, 0), (1, 1), (5, 2.5), (100, 2.5)])
def test_most_by_the_headers(tmp_path, mib, most):
    """Two pictures of 512 x 512 take 2 MiB, and 2.5 MiB if their alphas had 16 bits."""
    cache = cached(files(tmp_path, 2), mib)
    assert cache.most(lambda _: 1) == most * MIB


def test_most_of_reduced_pictures(tmp_path):
    """13 x 13 pixels by 4 are 4 x 4: 16 pixels of five bytes."""
    assert cached(files(tmp_path, 1, 13), 1).most(lambda _: 4) == 16 * 5


def test_most_where_a_header_does_not_tell(tmp_path):
    (sample,) = files(tmp_path, 1, 8)
    sample.image.write_bytes(cv2.imencode(".bmp", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    assert cached([sample], 3).most(lambda _: 1) == 3 * MIB
    assert cached([replace(sample, image=np.zeros((8, 8, 3), np.uint8))], 3).most(lambda _: 1) == 3 * MIB
    sample.image.unlink()
    assert cached([sample], 3).most(lambda _: 1) == 0


def test_threads_decode_a_picture_once(tmp_path):
    reads = []
    cache = cached(files(tmp_path, 4, 8), 1, reads)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(cache.get, [index for _ in range(8) for index in range(4)]))
    assert sorted(reads) == ["s0", "s1", "s2", "s3"]
    assert len({id(decoded) for decoded in found}) == 4
    assert cache.used == 4 * 8 * 8 * 4


def test_an_error_is_not_kept(tmp_path):
    (sample,) = files(tmp_path, 1, 8)
    data = sample.image.read_bytes()
    sample.image.unlink()
    cache = cached([sample], 1)
    with pytest.raises(DataError, match="s0: no image; expected"):
        cache.get(0)
    sample.image.write_bytes(data)
    assert cache.get(0).image.shape == (8, 8, 3)
