import threading

import cv2
import numpy as np
import pytest

from registry import DataError, Sample, ShapeError
from zoo.config import Config
from zoo.data.augment import Picture, parse
from zoo.data.binary import is_binary
from zoo.data.images import read_image, read_levels, write_png
from zoo.data.loader import Loader
from zoo.data.reduction import FACTORS, reduce_alpha, reduction, reduction_of
from zoo.data.samples import decode, fit_alpha

CROP = ({"crop": {}}, {"flip": {}}, {"jitter": {}})


def exif(orientation):
    """A block with nothing but the orientation tag (EXIF 2.3, section 4.6.4)."""
    tag = (0x0112, 2), (3, 2), (1, 4), (orientation, 2), (0, 2)
    entry = b"".join(value.to_bytes(count, "little") for value, count in tag)
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)


def jpeg(array, orientation=1, before=b"", **options):
    """BGR or grey as a JPEG file of quality 95, with an EXIF block where it is turned, another one before it."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, 95]
    for name, value in options.items():
        flags += [getattr(cv2, f"IMWRITE_JPEG_{name.upper()}"), value]
    data = cv2.imencode(".jpg", array, flags)[1].tobytes()
    blocks = [before] * bool(before) + [exif(orientation)] * (orientation != 1)
    header = b"".join(b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block for block in blocks)
    return data[:2] + header + data[2:]


def field(height, width, seed=0, sigma=12):
    """A smooth grey picture that fills 0 to 255, sloped everywhere and in every direction."""
    rough = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(rough, (0, 0), sigma), None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)


def twin(folder, height, width, orientation=1, colour=True, **options):
    """A sample whose image is its alpha: a JPEG file, and what is shown of it as PNG."""
    grey = field(height, width)
    (folder / "i.jpg").write_bytes(jpeg(np.dstack([grey] * 3) if colour else grey, orientation, **options))
    write_png(folder / "a.png", read_image(folder / "i.jpg")[..., 1])
    return Sample("twin", folder / "i.jpg", folder / "a.png")


def shift(image, alpha):
    """By how many pixels the alpha would have to be moved (down, right) to fit best, by least squares on slopes."""
    slopes = np.stack([slope.ravel() for slope in np.gradient(alpha)], axis=1)
    return np.linalg.lstsq(slopes, (alpha - image).ravel(), rcond=None)[0]


def aligned(sample, factor):
    """The shift between the two, and their mean difference, in levels of 255."""
    decoded = fit_alpha(sample, decode(sample, factor), factor)
    image, alpha = decoded.image[..., 1].astype(float), decoded.alpha / 257
    assert image.shape == alpha.shape
    return shift(image, alpha), np.abs(image - alpha).mean()


# --- The decision ---


@pytest.mark.parametrize(
    ("short_side", "transforms", "crop_size", "factor"),
    [
        (1080, CROP, 512, 1),  # P3M-10k: windows of 540, halved 270
        (3024, CROP, 512, 2),  # 12 megapixels: 1512, halved 756, quartered 378
        (4284, CROP, 512, 4),  # 24 megapixels: quartered 535.5 -> 536
        (1080, CROP, 160, 2),  # 270, 135
        (1080, (), 512, 2),  # the centre square: 540, 270
        (1080, ({"flip": {}}, {"jitter": {}}), 135, 8),  # 135
        (1080, (), 136, 4),
        (1023, (), 512, 2),  # 1023 / 2 = 511.5: an incomplete block counts
        (1022, (), 512, 1),
        (3024, ({"crop": {"min": 0.5}}, {"crop": {"min": 0.5}}), 378, 2),  # a half of a half: 756, halved 378
        (3024, ({"crop": {"min": 0.5}}, {"crop": {"min": 0.5}}), 379, 1),
        (1080, ({"crop": {"min": 2, "max": 4}},), 512, 4),  # sticks out: 2160, 540, 270
        (100, CROP, 512, 1),
    ],
)
def test_decision_by_hand(short_side, transforms, crop_size, factor):
    assert reduction(short_side, parse(transforms), crop_size) == factor


class Least:
    """A generator that draws the least of everything."""

    def uniform(self, low, high):
        return low

    def random(self):
        return 1.0

    def integers(self, low, high, endpoint):
        return low


@pytest.mark.parametrize("transforms", [(), CROP, ({"crop": {"min": 0.7}}, {"flip": {}}, {"crop": {"min": 0.33}})])
def test_the_least_window_is_the_one_that_the_transforms_cut(transforms):
    """Whatever the side and the factor: kept if and only if what they cut of a reduced picture is large enough."""
    parsed = parse(transforms)
    for side in range(40, 90):
        least = {}
        for factor in FACTORS:
            picture = Picture(np.zeros((-(-side // factor), -(-(side + 9) // factor), 3), np.uint8))
            for transform in parsed:
                picture = transform(picture, Least())
            least[factor] = min(picture.image.shape[:2])
        for crop_size in range(1, 40):
            fit = [factor for factor in FACTORS if least[factor] >= crop_size]
            assert reduction(side, parsed, crop_size) == max(fit, default=1)


def test_only_jpeg_files_are_reduced(tmp_path):
    grey = field(64, 64)
    cases = {".jpg": 4, ".png": 1, ".bmp": 1, ".webp": 1}
    for suffix, factor in cases.items():
        path = tmp_path / f"i{suffix}"
        path.write_bytes(cv2.imencode(suffix, grey)[1].tobytes())
        assert reduction_of(path, (), 16) == reduction_of(str(path), (), 16) == factor
    (tmp_path / "misnamed.png").write_bytes(jpeg(grey))
    assert reduction_of(tmp_path / "misnamed.png", (), 16) == 4
    (tmp_path / "damaged.jpg").write_bytes(jpeg(grey)[:20])
    for other in (tmp_path / "damaged.jpg", tmp_path / "none.jpg", tmp_path, np.dstack([grey] * 3), None):
        assert reduction_of(other, (), 16) == 1


# --- Image and alpha ---


def test_means_by_hand():
    """13 columns by 4: three whole blocks, and the last column alone, as if repeated."""
    alpha = np.tile(np.arange(13, dtype=np.uint8), (4, 1))
    np.testing.assert_array_equal(
        reduce_alpha(alpha, 4), [[1.5 * 257 + 0.5, 5.5 * 257 + 0.5, 9.5 * 257 + 0.5, 12 * 257]]
    )
    # Mirrored by EXIF, the column that is alone is the first.
    np.testing.assert_array_equal(reduce_alpha(alpha[:, ::-1], 4, 2), reduce_alpha(alpha, 4)[:, ::-1])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("factor", FACTORS)
def test_means(kind, factor):
    top = 1 if kind is np.float32 else np.iinfo(kind).max
    alpha = (np.random.default_rng(1).random((48, 64)) * top).astype(kind)
    means = alpha.astype(float).reshape(48 // factor, factor, 64 // factor, factor).mean(axis=(1, 3)) / top
    found = reduce_alpha(alpha, factor)
    assert found.dtype == np.uint16
    np.testing.assert_allclose(found / 65535, means, atol=1.01 / 65535)  # of the values and of the mean, half each


def test_only_a_whole_block_is_0_or_1():
    """What a trimap is made from: one level of one pixel in 64 counts."""
    alpha = np.zeros((8, 24), np.uint8)
    alpha[:, 8:] = 255
    alpha[3, 3], alpha[3, 20] = 1, 254
    assert reduce_alpha(alpha, 8).tolist() == [[4, 65535, 65531]]  # 257 / 64 and 65535 - 257 / 64


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(193, 251), (200, 254), (197, 249), (207, 256)])
@pytest.mark.parametrize("factor", FACTORS)
def test_image_and_alpha_stay_together(tmp_path, factor, size, orientation):
    """Incomplete blocks of 1 to 7 pixels, at either edge; by the wrong edge an eighth of a pixel and more is found."""
    moved, apart = aligned(twin(tmp_path, *size, orientation), factor)
    assert np.abs(moved).max() < 0.01
    assert apart < 1


@pytest.mark.parametrize("orientation", [2, 3, 4, 6, 7, 8])
def test_the_wrong_edge_would_be_noticed(tmp_path, monkeypatch, orientation):
    """Blocks of four from the wrong edge of 193 x 251 pixels: 3 or 1 pixels too far, 0.75 or 0.25 reduced ones."""
    sample = twin(tmp_path, 193, 251, orientation)
    monkeypatch.setattr("zoo.data.samples.reduce_alpha", lambda alpha, factor, _: reduce_alpha(alpha, factor))
    assert np.abs(aligned(sample, 4)[0]).max() > 0.2


@pytest.mark.parametrize(
    "options",
    [
        {"sampling_factor": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444},
        {"sampling_factor": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422},
        {"sampling_factor": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420},
        {"progressive": 1},
        {"colour": False},
    ],
)
@pytest.mark.parametrize("factor", FACTORS)
def test_kinds_of_jpeg(tmp_path, factor, options):
    moved, apart = aligned(twin(tmp_path, 197, 249, **options), factor)
    assert np.abs(moved).max() < 0.01
    assert apart < 1


@pytest.mark.parametrize("sampling", ["444", "422", "420"])
@pytest.mark.parametrize("factor", FACTORS)
def test_colours_stay_together(tmp_path, factor, sampling):
    """Red, green and blue of a picture of three smooth fields, each against the means of the whole picture's.

    The fields are smoother the fewer pixels are left. Of 4:2:2 only every other column has a colour, which libjpeg
    repeats at 1/8 instead of interpolating: 3.3 levels in these saturated fields.
    """
    limit = 5 if (sampling, factor) == ("422", 8) else 2
    path = tmp_path / "i.jpg"
    stored = np.dstack([field(192, 256, seed, sigma=5 * factor) for seed in range(3)])
    path.write_bytes(jpeg(stored, sampling_factor=getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")))
    whole, reduced = read_image(path), decode(Sample("a", path), factor).image
    for channel in range(3):
        means = reduce_alpha(np.ascontiguousarray(whole[..., channel]), factor) / 257
        assert np.abs(shift(reduced[..., channel].astype(float), means)).max() < 0.05
        assert np.abs(reduced[..., channel] - means).mean() < limit


def test_an_orientation_that_the_decoder_passes_over(tmp_path):
    """OpenCV looks at the first block only: shown unturned, the size is not the header's, and nothing is reduced."""
    grey = field(64, 96)
    path = tmp_path / "i.jpg"
    path.write_bytes(jpeg(np.dstack([grey] * 3), 6, before=b"http://ns.adobe.com/xap/1.0/\0<x/>"))
    whole = read_image(path)
    sample = Sample("a", path, whole[..., 0].astype(np.float32) / 255)
    decoded = fit_alpha(sample, decode(sample, 2), 2)
    np.testing.assert_array_equal(decoded.image, whole)
    assert decoded.alpha is sample.alpha


def test_refusals(tmp_path):
    sample = twin(tmp_path, 64, 96)
    other = Sample("a", sample.image, np.zeros((64, 95), np.float32))  # 48 columns by 2, as 96 are
    with pytest.raises(ShapeError, match=r"^a: the image is 96x64 pixels and the mask 95x64"):
        decode(other, 2)
    data = sample.image.read_bytes()
    sample.image.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"i\.jpg: is truncated"):
        decode(sample, 2)


# --- Batches ---


def photos(folder, count, height, width):
    """JPEG portraits with a soft disc as alpha, whose names say nothing of their form."""
    made = []
    rows, columns = np.mgrid[:height, :width]
    for index in range(count):
        distance = np.hypot(rows - height / 2, columns - width / 2)
        alpha = np.clip((height / 3 - distance) / (4 + index) + 0.5, 0, 1)
        stored = np.dstack([field(height, width, 3 * index + channel) for channel in range(3)])
        (folder / f"i{index}.jpg").write_bytes(jpeg(stored, 6 if index % 2 else 1))
        write_png(folder / f"a{index}.png", np.rot90(alpha, -1) if index % 2 else alpha)
        made.append(Sample(f"s{index}", folder / f"i{index}.jpg", folder / f"a{index}.png"))
    return made


def in_memory(samples):
    """The same decoded whole: arrays are never reduced."""
    return [
        Sample(s.name, read_image(s.image), read_levels(s.alpha).astype(np.float32) / np.float32(255)) for s in samples
    ]


def batches(samples, crop_size, start=0, **changes):
    data = {"crop_size": crop_size, "transforms": CROP, "workers": 2, "cache_mib": 0}
    train = {"batch_size": 2, "epochs": 2}
    for key, value in changes.items():
        (data if key in data else train)[key] = value
    loader = Loader(samples, Config().override(data=data, train=train))
    with loader.batches(start) as found:
        return list(found), loader


def same(left, right):
    assert [b.names for b in left] == [b.names for b in right]
    for a, b in zip(left, right, strict=True):
        assert a.binary == b.binary
        for part in ("image", "alpha", "trimap"):
            np.testing.assert_array_equal(getattr(a, part), getattr(b, part))


def test_p3m_at_512_is_not_reduced(tmp_path, monkeypatch):
    """1080 x 1440 at the recipe's crop: bit for bit what decoding whole gives, by the same call as ever."""
    monkeypatch.delattr("zoo.data.samples.read_reduced")
    made = photos(tmp_path, 2, 1440, 1080)
    same(batches(made, 512, epochs=1)[0], batches(in_memory(made), 512, epochs=1)[0])


def test_nothing_changes_just_above_the_limit(tmp_path):
    """Windows of 0.5 x 203 = 101.5 -> 102 pixels, halved 0.5 x 102 = 51: reduced at 51, not at 52."""
    made = photos(tmp_path, 4, 203, 220)
    same(batches(made, 52)[0], batches(in_memory(made), 52)[0])
    reduced, whole = (batches(found, 51)[0] for found in (made, in_memory(made)))
    assert any(not np.array_equal(a.image, b.image) for a, b in zip(reduced, whole, strict=True))


def test_reduced_crops_are_nearly_the_same(tmp_path):
    """Centre crops against decoding whole and shrinking: a level or two of 255, a few thousandths of alpha."""
    made = photos(tmp_path, 4, 403, 420)
    for a, b in zip(batches(made, 96, transforms=())[0], batches(in_memory(made), 96, transforms=())[0], strict=True):
        assert 0 < np.abs(a.image - b.image).mean() * 127.5 < 2
        assert np.abs(a.alpha - b.alpha).mean() < 0.004


def test_threads_cache_and_start_change_nothing(tmp_path):
    made = photos(tmp_path, 5, 203, 220)
    plain, _ = batches(made, 32, workers=1)
    same(plain, batches(made, 32, workers=5)[0])
    same(plain, batches(made, 32, cache_mib=8, workers=5)[0])
    same(plain[1:], batches(made, 32, start=1)[0])


def test_the_cache_keeps_the_reduced_picture(tmp_path):
    """203 x 220 by 2 are 102 x 110 pixels of three bytes and two of alpha."""
    _, loader = batches(photos(tmp_path, 2, 203, 220), 51, cache_mib=8)
    assert loader._cache.used == 2 * 102 * 110 * 5
    assert loader.memory_mib() * 2**20 == 18 * 51 * 51 * 5 * 4 + 2 * 102 * 110 * 5


@pytest.mark.parametrize("cache_mib", [0, 8])
def test_binary_is_told_by_the_whole_alpha(tmp_path, monkeypatch, cache_mib):
    """s0 is a mask, with pixels in between once it is reduced. It is looked at once, not in each of three epochs."""
    made = photos(tmp_path, 2, 203, 220)
    mask = read_levels(made[0].alpha) > 127
    write_png(made[0].alpha, mask.astype(np.uint8) * 255)
    half = reduce_alpha(mask.astype(np.uint8) * 255, 2)
    assert ((half > 0) & (half < 65535)).any()
    looked = []
    monkeypatch.setattr("zoo.data.loader.is_binary", lambda alpha: looked.append(alpha.shape) or is_binary(alpha))
    found, _ = batches(made, 51, cache_mib=cache_mib, batch_size=1, epochs=3, workers=1)
    assert sorted(looked) == [(203, 220), (220, 203)]
    assert {batch.names: batch.binary for batch in found} == {("s0",): 1, ("s1",): 0}


def test_unlabelled(tmp_path):
    made = [Sample(s.name, s.image) for s in photos(tmp_path, 2, 203, 220)]
    found, loader = batches(made, 51, cache_mib=8)
    assert found[0].alpha is None
    assert loader._cache.used == 2 * 102 * 110 * 3
    assert not [t for t in threading.enumerate() if t.name.startswith("zoo-loader")]
