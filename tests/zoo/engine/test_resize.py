"""From a picture to the network's input and back, under every protocol."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import transform

from registry import UsageError
from zoo.config import resolve
from zoo.engine.protocol import PROTOCOLS, label
from zoo.engine.resize import input_size, prepare, restore


def config(protocol="cut", **settings):
    words = {"eval.protocol": protocol, "model.mean": [0, 0, 0], "model.std": [1, 1, 1], **settings}
    return resolve(settings=[f"{key}={value}" for key, value in words.items()]).config


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def as_picture(planes):
    """The network's input in 0..255, (H, W, 3)."""
    return planes[0].transpose(1, 2, 0) * 255


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1080, 1620), (512, 768)),
        ((512, 512), (512, 512)),
        ((100, 100), (512, 512)),  # also enlarges
        ((1080, 1440), (512, 672)),  # 682.67 is cut to a multiple of 32
        ((2000, 1333), (768, 512)),
        ((1, 50), (512, 25600)),
    ],
)
@pytest.mark.parametrize("protocol", ["cut", "mindspore18"])
def test_short_side_512_and_multiples_of_32(size, expected, protocol):
    assert input_size(*size, config(protocol)) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1080, 1620), (512, 768)), ((1080, 1440), (512, 704)), ((2000, 1333), (768, 512)), ((1081, 1082), (512, 512))],
)
def test_padding_goes_to_the_next_larger_multiple(size, expected):
    # 682.67 becomes 683 pixels of picture in 704; 768.19 is 768 already; 512.47 is 512.
    assert input_size(*size, config("pad")) == expected


@pytest.mark.parametrize("protocol", ["half", "half-smoothed"])
@pytest.mark.parametrize(
    ("size", "expected"),
    [((1080, 1440), (512, 704)), ((1081, 1300), (512, 640)), ((4000, 1080), (1600, 512)), ((63, 40), (32, 32))],
)
def test_half_size_cuts_each_side_by_itself(size, expected, protocol):
    # 540 -> 512, 720 -> 704; 1081 // 2 = 540; 2000 -> 1600 at most; never below one stride.
    assert input_size(*size, config(protocol)) == expected


def test_never_below_one_stride():
    assert input_size(10, 10, config("cut", **{"eval.short_side": 8})) == (32, 32)
    assert input_size(10, 10, config("pad", **{"eval.short_side": 8})) == (32, 32)


def test_labels_name_what_the_protocol_depends_on():
    assert [label(name, 512) for name in PROTOCOLS] == [
        "cut 512",
        "pad 512",
        "half",
        "half-smoothed",
        "full",
        "hybrid",
        "mindspore18 512",
    ]


def test_an_unknown_protocol_is_refused():
    with pytest.raises(UsageError, match=r"eval.protocol must be one of cut, pad, .* not 'cutt'\. Did you mean 'cut'"):
        config("cutt")


def test_prepare_normalises_channels_first():
    image = np.zeros((64, 96, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = 255, 0, 51
    settings = ["eval.short_side=32", "model.mean=[0.5, 0.5, 0]", "model.std=[0.5, 0.25, 1]"]
    planes = prepare(image, resolve(settings=settings).config)
    assert planes.shape == (1, 3, 32, 48 // 32 * 32)
    assert planes.dtype == np.float32
    assert planes[0, :, 0, 0] == pytest.approx([1.0, -2.0, 0.2], abs=1e-6)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_restore_keeps_constants_and_range(protocol):
    rng = np.random.default_rng(0)
    for size in ((45, 91), (70, 130), (64, 64), (9, 7), (1, 1)):
        for settings in ({"eval.short_side": 32}, {"eval.short_side": 64}):
            chosen = config(protocol, **settings)
            shape = input_size(*size, chosen)
            alpha = restore(rng.random(shape, np.float32), *size, chosen)
            assert alpha.shape == size
            assert alpha.dtype == np.float32
            assert 0 <= alpha.min() <= alpha.max() <= 1
            flat = restore(np.full(shape, 0.5, np.float32), *size, chosen)
            # Zeros are mixed in at its edge.
            inner = flat[4:-4, 4:-4] if protocol in ("half", "full", "hybrid") else flat
            assert np.allclose(inner, 0.5)


def test_restore_of_a_ramp_has_half_pixel_centres():
    # Doubling a ramp with half-pixel centres: the samples lie a quarter to either side of each pixel.
    ramp = np.array([[0.0, 1.0]], np.float32)
    assert np.allclose(restore(ramp, 1, 4, config("cut")), [[0.0, 0.25, 0.75, 1.0]])
    # The same with zeros beyond the edge, ...
    ones = np.ones((1, 2), np.float32)
    assert np.allclose(restore(ones, 1, 4, config("half")), [[0.75, 1.0, 1.0, 0.75]])
    # ... and mirrored at the edge pixel: a quarter of the neighbour on the other side.
    assert np.allclose(restore(ramp, 1, 4, config("half-smoothed")), [[0.25, 0.25, 0.75, 0.75]])


def test_a_padded_picture_is_itself_mirrored_and_comes_back():
    image = picture(32, 40)
    chosen = config("pad", **{"eval.short_side": 32})
    content = as_picture(prepare(image, chosen))
    assert content.shape == (32, 64, 3)
    assert np.allclose(content[:, :40], image, atol=1e-3)
    assert np.allclose(content[:, 40], image[:, 38], atol=1e-3)  # the edge pixel, 39, is not repeated
    alpha = np.random.default_rng(0).random((32, 64), np.float32)
    assert np.array_equal(restore(alpha, 32, 40, chosen), alpha[:, :40])


@pytest.mark.parametrize("size", [(150, 210), (131, 97), (64, 64), (33, 200)])
def test_half_size_is_what_scikit_image_makes(size):
    """0.14.5 by the arguments that were its defaults, and the defaults of today."""
    image = picture(*size)
    alpha = np.random.default_rng(1).random(input_size(*size, config("half")))
    old = {"order": 1, "mode": "constant", "cval": 0, "anti_aliasing": False}
    for protocol, arguments in (("half", old), ("half-smoothed", {})):
        chosen = config(protocol)
        there = transform.resize(image, input_size(*size, chosen), **arguments) * 255
        assert np.allclose(as_picture(prepare(image, chosen)), there, atol=1e-3)
        back = transform.resize(alpha, size, **arguments)
        assert np.allclose(restore(alpha.astype(np.float32), *size, chosen), back, atol=1e-6)


def test_the_old_ports_way_is_opencvs():
    # Written as its code runs: the filter it names lands in the place of the output array, so the default is used.
    image = picture(1080, 1440)
    chosen = config("mindspore18")
    expected = cv2.resize(image, (672, 512))
    assert np.array_equal(np.rint(as_picture(prepare(image, chosen))), expected)
    assert not np.array_equal(cv2.resize(image, (672, 512), interpolation=cv2.INTER_AREA), expected)
    answer = np.random.default_rng(0).random((512, 672), np.float32)
    back = cv2.resize(answer, (1440, 1080), interpolation=cv2.INTER_AREA)
    assert np.array_equal(restore(answer, 1080, 1440, chosen), np.clip(back, 0, 1))
