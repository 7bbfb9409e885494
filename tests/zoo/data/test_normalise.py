import numpy as np

from zoo.data.normalise import normalise

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_against_the_formula():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    expected = ((image / 255 - MEAN) / STD).transpose(2, 0, 1)
    found = normalise(image, MEAN, STD)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_writes_where_it_is_told():
    out = np.zeros((2, 3, 4, 4), np.float32)
    normalise(np.full((4, 4, 3), 255, np.uint8), (0.5,) * 3, (0.5,) * 3, out=out[1])
    assert (out[0] == 0).all()
    assert (out[1] == 1).all()
