import numpy as np
import pytest

from registry import UsageError
from zoo.data.augment import Crop, Flip, Jitter, Picture, augment, parse


def rng(seed=0):
    return np.random.default_rng(seed)


def coordinates(height=60, width=90):
    """A picture whose values are the places of its pixels, with one alpha for each."""
    rows, columns = np.mgrid[:height, :width]
    image = np.dstack([rows, columns, np.zeros_like(rows)]).astype(np.uint8)
    return Picture(image, (rows * width + columns).astype(np.float32) / (height * width))


# --- Reading the list ---


def test_parse():
    found = parse(({"crop": {"min": 0.7, "max": 1}}, {"flip": {}}, {"jitter": None}))
    assert found == (Crop(0.7, 1.0, 0.5), Flip(0.5), Jitter(0.1, 0.1, 0.1))


def test_parse_takes_a_number_that_yaml_reads_as_text():
    assert parse(({"flip": {"p": "1e-1"}},)) == (Flip(0.1),)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"filp": {}}, r"no transform 'filp'; transforms: crop, flip, jitter. Did you mean 'flip'?"),
        ({"crop": {"mni": 1}}, r"crop has no parameter 'mni'; its parameters: min, max, unknown. Did you mean 'min'?"),
        ({"flip": {"p": "often"}}, r"flip.p must be a number, not 'often'"),
        ({"flip": {"p": True}}, r"flip.p must be a number, not True"),
        ({"flip": {"p": "nan"}}, r"flip.p must be a number, not 'nan'"),
        ({"flip": 0.5}, r"the parameters of flip must be a mapping, not 0.5"),
        ({"flip": {"p": 1.5}}, r"flip: p must be from 0 to 1, not p 1.5"),
        ({"crop": {"min": 0}}, r"crop: 0 < min <= max <= 4 must hold, not min 0, max 1"),
        ({"crop": {"min": 0.8, "max": 0.5}}, r"crop: 0 < min <= max <= 4 must hold, not min 0.8, max 0.5"),
        ({"crop": {"unknown": -1}}, r"crop: unknown must be from 0 to 1, not unknown -1"),
        ({"jitter": {"contrast": 2}}, r"jitter: contrast must be from 0 to 1, not contrast 2"),
        ({"crop": {}, "flip": {}}, r"must be one transform, like {flip: {p: 0.5}}, not {'crop': {}, 'flip': {}}"),
        ({}, r"must be one transform, like {flip: {p: 0.5}}, not {}"),
    ],
)
def test_mistakes_name_their_place(entry, message):
    with pytest.raises(UsageError) as caught:
        parse(({"flip": {}}, entry))
    assert str(caught.value) == f"data.transforms[1]: {message}"


# --- Crop ---


def test_crop_is_a_square_of_the_picture_and_its_alpha():
    picture = coordinates()
    sides = set()
    for seed in range(100):
        cropped = Crop(0.5, 1.0, 0.0)(picture, rng(seed))
        side = cropped.image.shape[0]
        sides.add(side)
        assert cropped.image.shape == (side, side, 3)
        top, left = cropped.image[0, 0, :2]
        np.testing.assert_array_equal(cropped.image, picture.image[top : top + side, left : left + side])
        np.testing.assert_array_equal(cropped.alpha, picture.alpha[top : top + side, left : left + side])
    assert min(sides) >= 30
    assert max(sides) <= 60
    assert len(sides) > 20


def test_crop_reaches_every_edge():
    found = [Crop(0.5, 0.5, 0.0)(coordinates(), rng(seed)).image[..., :2] for seed in range(600)]
    assert {0, 30} <= {int(f[0, 0, 0]) for f in found}
    assert {0, 60} <= {int(f[0, 0, 1]) for f in found}


def test_crop_beyond_the_picture_is_filled_by_reflection():
    picture = coordinates(8, 12)
    for seed in range(30):
        cropped = Crop(1.5, 1.5, 0.0)(picture, rng(seed))
        assert cropped.image.shape == (12, 12, 3)
        rows = cropped.image[:, 0, 0].astype(int)
        assert set(rows) == set(range(8))  # the whole picture is in it
        assert (np.abs(np.diff(rows)) == 1).all()  # and goes on by mirroring, edge not repeated
        assert (cropped.image[:, :, 1] == np.arange(12)).all()


def test_crop_much_beyond_a_thin_picture():
    cropped = Crop(4, 4, 0.5)(coordinates(1, 2), rng())
    assert cropped.image.shape == (4, 4, 3)


def dotted():
    """One pixel of unknown alpha in a large picture."""
    picture = coordinates(200, 250)
    alpha = np.zeros((200, 250), np.float32)
    alpha[:, :100] = 1
    alpha[150, 210] = 0.5
    return Picture(picture.image, alpha)


def has_unknown(picture):
    return bool(((picture.alpha > 0) & (picture.alpha < 1)).any())


def test_half_of_the_crops_hold_the_unknown_region():
    """A window of a tenth of the short side finds one pixel by chance in less than one of a hundred."""
    crop = Crop(0.1, 0.1, 0.5)
    share = np.mean([has_unknown(crop(dotted(), rng(seed))) for seed in range(400)])
    assert 0.43 < share < 0.57


@pytest.mark.parametrize(("unknown", "low", "high"), [(1.0, 1.0, 1.0), (0.0, 0.0, 0.05)])
def test_all_or_none_of_the_crops_are_laid_around_it(unknown, low, high):
    crop = Crop(0.1, 0.1, unknown)
    assert low <= np.mean([has_unknown(crop(dotted(), rng(seed))) for seed in range(100)]) <= high


def test_the_unknown_pixel_is_not_always_in_the_middle():
    places = set()
    for seed in range(200):
        cropped = Crop(0.2, 0.2, 1.0)(dotted(), rng(seed))
        row, column = np.argwhere((cropped.alpha > 0) & (cropped.alpha < 1))[0]
        places.add((int(row), int(column)))
        assert 9 <= row <= 31
        assert 9 <= column <= 31
    assert len(places) > 100


def test_crop_without_unknown_region_or_alpha():
    picture = coordinates()
    assert Crop(unknown=1.0)(Picture(picture.image, np.ones((60, 90), np.float32)), rng()).image.shape[0] >= 30
    assert Crop(unknown=1.0)(Picture(picture.image), rng()).alpha is None


# --- Flip ---


def test_flip():
    picture = coordinates()
    flipped = Flip(1.0)(picture, rng())
    np.testing.assert_array_equal(flipped.image, picture.image[:, ::-1])
    np.testing.assert_array_equal(flipped.alpha, picture.alpha[:, ::-1])
    assert flipped.image.flags.c_contiguous  # a view would make all that follows ten times slower
    assert flipped.alpha.flags.c_contiguous
    assert Flip(0.0)(picture, rng()) is picture
    assert Flip(1.0)(Picture(picture.image), rng()).alpha is None
    share = np.mean([Flip()(picture, rng(seed)) is not picture for seed in range(400)])
    assert 0.43 < share < 0.57


# --- Jitter ---


def test_jitter_leaves_the_alpha():
    picture = coordinates()
    changed = Jitter(0.5, 0.5, 0.5)(picture, rng())
    assert changed.alpha is picture.alpha
    assert changed.image.dtype == np.uint8
    assert (changed.image != picture.image).any()


def test_jitter_of_nothing_changes_nothing():
    picture = coordinates()
    np.testing.assert_array_equal(Jitter(0, 0, 0)(picture, rng()).image, picture.image)


def test_brightness_by_hand():
    image = np.full((4, 4, 3), 100, np.uint8)
    for seed in range(20):
        factor = rng(seed).uniform(0.8, 1.2)
        assert Jitter(0.2, 0, 0)(Picture(image), rng(seed)).image[0, 0, 0] == round(100 * factor)


def test_saturation_by_hand():
    """Towards the grey of the pixel: 0.299 R + 0.587 G + 0.114 B."""
    image = np.full((4, 4, 3), (200, 100, 50), np.uint8)
    grey = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    for seed in range(20):
        stream = rng(seed)
        stream.uniform(1, 1), stream.uniform(1, 1)
        factor = stream.uniform(0.5, 1.5)
        expected = np.clip(factor * image[0, 0] + (1 - factor) * grey, 0, 255)
        np.testing.assert_allclose(Jitter(0, 0, 0.5)(Picture(image), rng(seed)).image[0, 0], expected, atol=1)


def test_jitter_saturates_instead_of_wrapping():
    image = np.full((4, 4, 3), 250, np.uint8)
    assert min(Jitter(1, 0, 0)(Picture(image), rng(seed)).image.max() for seed in range(50)) < 250
    assert max(Jitter(1, 0, 0)(Picture(image), rng(seed)).image.max() for seed in range(50)) == 255


# --- The whole ---


def test_without_crop_the_centre_square_is_taken():
    picture = coordinates()
    result = augment(picture, (), 60, rng())
    np.testing.assert_array_equal(result.image, picture.image[:, 15:75])
    np.testing.assert_array_equal(result.alpha, picture.alpha[:, 15:75])


def test_shrinking_averages_areas():
    """Two by two pixels become one."""
    picture = coordinates(8, 8)
    result = augment(picture, (), 4, rng())
    np.testing.assert_allclose(result.alpha, picture.alpha.reshape(4, 2, 4, 2).mean((1, 3)), rtol=1e-6)


def test_enlarging_is_linear():
    alpha = np.array([[0, 1], [0, 1]], np.float32)
    result = augment(Picture(np.zeros((2, 2, 3), np.uint8), alpha), (), 4, rng())
    np.testing.assert_allclose(result.alpha, np.tile([0, 0.25, 0.75, 1], (4, 1)))


@pytest.mark.parametrize("shape", [(37, 61), (200, 130), (1, 1), (5, 400)])
def test_result_is_of_the_size_asked_for(shape):
    generator = rng(3)
    alpha = generator.random(shape).astype(np.float32)
    picture = Picture(generator.integers(0, 256, (*shape, 3), dtype=np.uint8), alpha)
    for seed in range(10):
        result = augment(picture, (Crop(0.3, 1.5), Flip(), Jitter()), 32, rng(seed))
        assert result.image.shape == (32, 32, 3)
        assert result.alpha.shape == (32, 32)
        assert result.alpha.dtype == np.float32
        assert result.alpha.min() >= 0
        assert result.alpha.max() <= 1
        assert result.image.flags.c_contiguous
        assert result.alpha.flags.c_contiguous


def test_solid_stays_solid():
    picture = Picture(np.zeros((331, 457, 3), np.uint8), np.ones((331, 457), np.float32))
    for seed in range(10):
        np.testing.assert_allclose(augment(picture, (Crop(),), 64, rng(seed)).alpha, 1, atol=1e-6)
