"""One-frame delay: examples worked by hand."""

import subprocess
import sys

import numpy as np
import pytest
from zoo_modnet.ofd import one_frame_delay

from zoo import DataError, UsageError


def smooth(*rows, threshold=0.1):
    """Videos of one row each, pixel by pixel: each argument is the course of one pixel."""
    frames = np.array(rows, np.float32).T[:, None, :]
    found = list(one_frame_delay(frames, threshold))
    assert all(frame.dtype == np.float32 for frame in found)
    return np.array(found)[:, 0].T.tolist()


def test_flicker_of_one_frame_is_removed():
    assert smooth([0, 1, 0], [1, 0.25, 1], [0.5, 0.75, 0.5]) == [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5]]


def test_the_mean_of_both_neighbours_replaces():
    # 1/4 and 5/16 differ by 1/16, no more than 0.1.
    assert smooth([0.25, 1, 0.3125]) == [[0.25, 0.28125, 0.3125]]


def test_flicker_at_every_frame_comes_to_rest():
    assert smooth([0, 1, 0, 1, 0]) == [[0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    "course",
    [
        [0, 0, 1, 1],  # an edge arrives
        [0, 1, 1, 0],  # and leaves two frames later
        [0, 0.5, 1, 1],  # a soft edge passes
        [0, 0.25, 0.5, 0.75, 1],  # slowly
        [0.5, 0.5625, 0.5],  # noise below the threshold
        [0, 1, 0.5],  # the neighbours do not agree
    ],
)
def test_motion_and_noise_are_kept(course):
    assert smooth(course) == [course]


def test_at_the_threshold():
    # Exact in binary. Neighbours 1/4 apart agree at a threshold of 1/4; a frame 1/4 apart does not differ.
    assert smooth([0, 1, 0.25], [0, 0.25, 0], threshold=0.25) == [[0, 0.125, 0.25], [0, 0.25, 0]]
    assert smooth([0, 1, 0.25], threshold=0.2) == [[0, 1, 0.25]]


@pytest.mark.parametrize("course", [[], [0.5], [0, 1]])
def test_first_and_last_frame_are_as_they_are(course):
    frames = [np.full((2, 3), value, np.float32) for value in course]
    assert [frame.tolist() for frame in one_frame_delay(frames)] == [frame.tolist() for frame in frames]


def test_one_frame_late_and_no_later():
    seen = []

    def camera():
        for number in range(4):
            seen.append(number)
            yield np.zeros((1, 1), np.float32)

    smoothed = one_frame_delay(camera())
    for shown in range(4):
        next(smoothed)
        assert seen[-1] == min(shown + 1, 3)


def test_one_buffer_for_all_frames_and_a_consumer_that_writes():
    buffer = np.zeros((1, 1), np.float32)

    def camera():
        for value in (0, 1, 0, 1, 0):
            buffer[:] = value
            yield buffer

    found = []
    for frame in one_frame_delay(camera()):
        found.append(float(frame[0, 0]))
        frame[:] = 9
    assert found == [0, 0, 0, 0, 0]


def test_wrong_input_is_one_line():
    frame = np.zeros((2, 3), np.float32)
    with pytest.raises(DataError, match=r"matte 1 has shape \(3, 2\), those before it \(2, 3\): smooth each video"):
        list(one_frame_delay([frame, frame.T]))
    # Bytes would wrap around when they are subtracted.
    with pytest.raises(DataError, match=r"matte 0 is uint8 \(2, 3\); it takes floats"):
        list(one_frame_delay([frame.astype(np.uint8)]))
    with pytest.raises(DataError, match=r"matte 0 is float32 \(1, 2, 3\)"):
        list(one_frame_delay([frame[None]]))
    for threshold in (-0.1, 20, float("nan")):
        with pytest.raises(UsageError, match=rf"the threshold must be in \[0, 1\].*not {threshold}"):
            one_frame_delay([], threshold)


def test_import_needs_numpy_alone():
    code = "import sys, zoo_modnet.ofd; sys.exit(bool({'mindspore', 'cv2', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
