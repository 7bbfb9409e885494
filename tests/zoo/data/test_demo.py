import json
import re

import cv2
import numpy as np
import pytest

from registry import UsageError, ZooError
from zoo.data.demo import draw_portrait, write_demo
from zoo.data.demo.portrait import compose, hide_face
from zoo.data.demo.write import trimap_of
from zoo.home import demo_home, home

SIZE = 64
FOLDERS = {
    "train": {"blurred_image", "mask"},
    "validation/P3M-500-P": {"blurred_image", "mask", "trimap"},
    "validation/P3M-500-NP": {"original_image", "mask", "trimap"},
}


def files_of(root):
    """Path below the root -> bytes."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("data") / "demo", count=2, size=SIZE)


@pytest.fixture(scope="module")
def portraits():
    return [compose(np.random.default_rng([7, i]), SIZE) for i in range(36)]


# --- The folder ---


def test_layout_is_that_of_p3m(demo):
    found = files_of(demo)
    assert json.loads(found.pop("demo.json")) == {"generator": 2, "count": 2, "size": SIZE, "seed": 0}
    for split, folders in FOLDERS.items():
        inside = [path for path in found if path.startswith(f"{split}/")]
        assert {path.split("/")[-2] for path in inside} == folders
        for folder in folders:
            stems = {path.split("/")[-1] for path in inside if path.split("/")[-2] == folder}
            suffix = "jpg" if folder.endswith("image") else "png"
            assert all(re.fullmatch(rf"p_[0-9a-f]{{8}}\.{suffix}", name) for name in stems)
        # A sixth of the two to train on would be none; at least four test.
        assert len(inside) == len(folders) * (2 if split == "train" else 4)
    assert len({path.split("/")[-1].split(".")[0] for path in found}) == 10


def test_pictures_masks_and_trimaps_fit(demo):
    for split, folders in FOLDERS.items():
        for mask_path in (demo / split / "mask").iterdir():
            mask = cv2.imread(str(mask_path), cv2.IMREAD_UNCHANGED)
            assert mask.ndim == 2
            assert mask.dtype == np.uint8
            assert min(mask.shape) == SIZE
            images = next(folder for folder in folders if folder.endswith("image"))
            image = cv2.imread(str(demo / split / images / f"{mask_path.stem}.jpg"))
            assert image.shape == (*mask.shape, 3)
            if "trimap" in folders:
                trimap = cv2.imread(str(demo / split / "trimap" / mask_path.name), cv2.IMREAD_UNCHANGED)
                assert np.array_equal(trimap, trimap_of(mask))


def test_same_arguments_give_the_same_bytes_and_more_pictures_keep_the_others(demo, tmp_path):
    again = files_of(write_demo(tmp_path / "again", count=2, size=SIZE))
    assert again == files_of(demo)
    more = files_of(write_demo(tmp_path / "more", count=3, size=SIZE))
    del again["demo.json"]
    assert all(more[path] == data for path, data in again.items())


def test_another_seed_gives_other_names_and_pictures(demo, tmp_path):
    other = files_of(write_demo(tmp_path / "other", count=1, size=SIZE, seed=1))
    assert not set(other) & set(files_of(demo)) - {"demo.json"}


def test_what_is_drawn_already_is_not_drawn_again(demo):
    before = (demo / "demo.json").stat().st_mtime_ns
    calls = []
    assert write_demo(demo, count=2, size=SIZE, progress=lambda *step: calls.append(step)) == demo
    assert calls == []
    assert (demo / "demo.json").stat().st_mtime_ns == before


def test_progress_counts_all_pictures(tmp_path):
    (tmp_path / "empty").mkdir()
    calls = []
    write_demo(tmp_path / "empty", count=1, size=SIZE, progress=lambda *step: calls.append(step))
    assert calls == [(i, 9) for i in range(1, 10)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_of_an_interrupted_run(tmp_path, error):
    def stop(done, total):
        raise error

    with pytest.raises(error):
        write_demo(tmp_path / "demo", count=1, size=SIZE, progress=stop)
    assert list(tmp_path.iterdir()) == []


# --- Refusals ---


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": 0}, "the demo set cannot have 0 training pictures: ask for 1 or more"),
        ({"size": 63}, "demo pictures cannot be 63 pixels on the short side: ask for 64 or more"),
        ({"seed": -1}, "the seed of the demo set cannot be -1: give 0 or more"),
    ],
)
def test_wrong_numbers(tmp_path, wrong, message):
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$"):
        write_demo(tmp_path / "demo", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_is_kept(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(UsageError, match=f"^{re.escape(str(tmp_path))} is not empty and holds no demo set: "):
        write_demo(tmp_path, count=1, size=SIZE)
    assert files_of(tmp_path) == {"holiday.jpg": b"precious"}


def test_another_demo_set_is_kept(demo):
    with pytest.raises(UsageError) as caught:
        write_demo(demo, count=9, size=SIZE)
    assert str(caught.value) == (
        f"{demo} holds another demo set (generator 2, count 2, size 64, seed 0), "
        "not generator 2, count 9, size 64, seed 0: remove it or give another folder"
    )


def test_a_damaged_record_is_not_taken_for_a_demo_set(tmp_path):
    (tmp_path / "demo.json").write_text("{")
    with pytest.raises(UsageError, match=r"unreadable demo\.json"):
        write_demo(tmp_path, count=1, size=SIZE)


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "demo").write_text("")
    with pytest.raises(UsageError, match="demo is a file: give a folder for the demo set"):
        write_demo(tmp_path / "demo", count=1, size=SIZE)
    with pytest.raises(ZooError, match=r"cannot write the demo set to .*demo/inside: "):
        write_demo(tmp_path / "demo" / "inside", count=1, size=SIZE)


# --- The pictures ---


def test_a_portrait_depends_on_its_seed_alone():
    image, alpha = draw_portrait([3, 1], SIZE, blur_face=False)
    again, alpha_again = draw_portrait([3, 1], SIZE, blur_face=False)
    assert np.array_equal(image, again)
    assert np.array_equal(alpha, alpha_again)
    assert not np.array_equal(alpha, draw_portrait(31, SIZE, blur_face=False)[1])
    assert (image.dtype, alpha.dtype) == (np.uint8, np.float32)
    assert image.shape == (*alpha.shape, 3)


def test_layers_make_up_the_picture_exactly(portraits):
    for portrait in portraits:
        alpha = portrait.alpha[..., None]
        assert portrait.foreground.min() >= 0
        assert (portrait.foreground <= alpha).all()
        assert portrait.background.min() >= 0
        assert portrait.background.max() <= 1
        # Eight bits hold the matte without loss, so the file is exact too.
        assert np.array_equal((np.round(portrait.alpha * 255) / 255).astype(np.float32), portrait.alpha)
        image = portrait.image
        assert np.array_equal(image, portrait.foreground + (1 - alpha) * portrait.background)
        nothing, everything = portrait.alpha == 0, portrait.alpha == 1
        assert np.array_equal(image[nothing], portrait.background[nothing])
        assert np.array_equal(image[everything], portrait.foreground[everything])


def test_mattes_are_solid_soft_and_have_holes(portraits):
    soft = [np.mean((p.alpha > 0.02) & (p.alpha < 0.98)) for p in portraits]
    assert min(soft) > 0.01
    assert max(soft) < 0.35
    assert all((p.alpha == 1).mean() > 0.03 for p in portraits)

    def holes(alpha):
        """Parts of the background that do not touch the frame."""
        count, labels = cv2.connectedComponents((alpha < 0.5).astype(np.uint8), connectivity=4)
        frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        return [i for i in range(1, count) if i not in frame and np.sum(labels == i) >= 12]

    assert 5 <= sum(bool(holes(p.alpha)) for p in portraits) <= 40


def test_sitters_differ_in_size_place_and_format(portraits):
    areas = [p.alpha.mean() for p in portraits]
    assert min(areas) < 0.28
    assert max(areas) > 0.55
    assert len({p.alpha.shape for p in portraits}) == 4
    centres = [p.face[0] / p.alpha.shape[1] for p in portraits]
    assert min(centres) < 0.3
    assert max(centres) > 0.7


def test_only_the_face_is_hidden_and_only_on_request():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (96, 80, 3), dtype=np.uint8)
    y, x = np.mgrid[:96, :80]
    distance = np.hypot((x - 40) / 20, (y - 48) / 24)
    for _ in range(8):
        hidden = hide_face(rng, noise, (40, 48, 20, 24, 0.0))
        assert np.array_equal(hidden[distance > 1.1], noise[distance > 1.1])
        assert hidden[distance < 0.8].std() < 0.6 * noise[distance < 0.8].std()
    changed = []
    for i in range(8):
        clear, alpha = draw_portrait([5, i], SIZE, blur_face=False)
        blurred, same_alpha = draw_portrait([5, i], SIZE, blur_face=True)
        assert np.array_equal(alpha, same_alpha)
        change = (clear != blurred).any(axis=2)
        changed.append(change.mean())
        # The face is part of the sitter.
        assert (alpha[change] > 0).mean() > 0.95
    assert max(changed) > 0.01
    assert max(changed) < 0.3


def test_trimap_by_hand():
    """Columns 0..29 empty, 30..33 soft, 34..63 full; a kernel of 3 takes one pixel of each side."""
    row = np.array([0] * 30 + [1, 128, 200, 254] + [255] * 30, np.uint8)
    trimap = trimap_of(np.tile(row, (64, 1)))
    assert trimap[32].tolist() == [0] * 29 + [128] * 6 + [255] * 29


def test_trimap_agrees_with_the_matte(portraits):
    for portrait in portraits[:12]:
        mask = np.round(portrait.alpha * 255).astype(np.uint8)
        trimap = trimap_of(mask)
        assert set(np.unique(trimap)) <= {0, 128, 255}
        assert (mask[trimap == 255] == 255).all()
        assert (mask[trimap == 0] == 0).all()
        assert (trimap[(mask > 0) & (mask < 255)] == 128).all()


# --- Hard enough: what a network must beat ---


def test_no_constant_matte_comes_close(portraits):
    assert min(np.mean([np.abs(p.alpha - c).mean() for p in portraits]) for c in np.linspace(0, 1, 11)) > 0.33


def test_no_colour_threshold_comes_close(portraits):
    """The best of both directions at any of 256 thresholds on any channel, fitted to these very pictures."""
    best = 1.0
    inside, outside = np.zeros((9, 256)), np.zeros((9, 256))
    for portrait in portraits:
        rgb = np.round(portrait.image * 255).astype(np.uint8)
        channels = np.dstack([rgb, cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)])
        weight = 1 / portrait.alpha.size / len(portraits)
        for c in range(9):
            value = channels[..., c].ravel()
            inside[c] += np.bincount(value, portrait.alpha.ravel() * weight, 256)
            outside[c] += np.bincount(value, (1 - portrait.alpha.ravel()) * weight, 256)
    for c in range(9):
        # "Subject below t" is wrong about the outside below t and the inside from t on; "above t" the other way round.
        below = np.cumsum(outside[c]) + inside[c].sum() - np.cumsum(inside[c])
        best = min(best, below.min(), 1 - below.max())
    assert best > 0.27


def test_no_centred_ellipse_comes_close(portraits):
    best = 1.0
    for rx in np.linspace(0.2, 1.4, 7):
        for ry in np.linspace(0.2, 1.4, 7):
            errors = []
            for portrait in portraits:
                height, width = portrait.alpha.shape
                y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
                errors.append(np.abs(portrait.alpha - ((x / rx) ** 2 + (y / ry) ** 2 <= 1)).mean())
            best = min(best, np.mean(errors))
    assert best > 0.24


# --- Where it lies ---


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    assert home() == tmp_path
    assert demo_home() == tmp_path / "demo"
    monkeypatch.delenv("ZOO_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert home() == tmp_path / "zoo"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".cache" / "zoo"
