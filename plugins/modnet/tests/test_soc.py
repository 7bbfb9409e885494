"""The second stage: losses and gradients against PyTorch in float64, the copy, the norms, and a run."""

import copy
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import cv2
import mindspore as ms
import numpy as np
import pytest
import zoo_modnet
from mindspore import Tensor, nn, ops
from scipy import ndimage
from zoo_modnet.soc import COPY, boundary

from zoo import UsageError

SMALL = Path(__file__).with_name("small_plugin.py")
TERMS = ("semantic", "detail", "matte")


class Fixed(nn.Cell):
    """Stands for a network: its three outputs are parameters, which the test sets and takes gradients of."""

    def __init__(self, *outputs):
        super().__init__()
        names = ("semantic", "detail", "alpha")
        self.outputs = ms.ParameterTuple(
            ms.Parameter(Tensor(output.astype(np.float32)), name=name)
            for name, output in zip(names, outputs, strict=True)
        )

    def branches(self, image):
        return self.outputs[0], self.outputs[1], self.outputs[2]


@pytest.fixture(scope="module")
def adapting(config):
    """The config of somebody who gave weights to begin with."""
    return config.override(train={"start_from": "a run"})


@pytest.fixture(scope="module")
def build_micro(adapting):
    """A function: the network of model micro, with lively running statistics."""
    # Compiling reads the source of the module, which therefore has to be found by name.
    place = importlib.util.spec_from_file_location("small_plugin_of_the_tests", SMALL)
    module = sys.modules[place.name] = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)

    def make():
        network = module.build_micro(adapting, None)
        random = np.random.default_rng(0)
        norm = network.features.layers[1].bnorm
        norm.moving_mean.set_data(Tensor(random.normal(0, 0.2, 4).astype(np.float32)))
        norm.moving_variance.set_data(Tensor(random.uniform(0.5, 2, 4).astype(np.float32)))
        return network

    yield make
    del sys.modules[place.name]


def arrays_of(cell, prefix=""):
    """Values of parameters by name, those with the prefix, without it."""
    return {p.name.removeprefix(prefix): p.asnumpy().copy() for p in cell.get_parameters() if p.name.startswith(prefix)}


def blobs(count, height, width, seed):
    """Outputs with a few large shapes each, as a network's are, and values on both sides of every threshold."""
    random = np.random.default_rng(seed)

    def smooth(rows, columns, sigma):
        noise = ndimage.gaussian_filter(random.normal(size=(count, 1, rows, columns)), (0, 0, sigma, sigma))
        return np.clip(0.5 + noise / noise.std(), 0, 1)

    return smooth(height // 16, width // 16, 1), smooth(height, width, 3), smooth(height, width, 12)


def values_and_gradients(objective, parameters, image):
    gradient = ms.value_and_grad(objective, None, parameters, has_aux=True)
    (_, *terms), gradients = gradient(Tensor(image), None, None)
    return [float(term.asnumpy()) for term in terms], [g.asnumpy().astype(float) for g in gradients]


# 5 % of the mean side: an odd square of 7, an even one of 8, and 3 of a small picture.
@pytest.mark.parametrize(("height", "width"), [(128, 160), (128, 192), (64, 64)])
def test_terms_and_their_gradients(peer, adapting, height, width):
    import torch

    outputs, old = blobs(2, height, width, 0), blobs(2, height, width, 1)
    objective = zoo_modnet.build_soc(Fixed(*old), adapting)  # which copies the old ones
    network = objective.network
    for parameter, output in zip(network.outputs, outputs, strict=True):
        parameter.set_data(Tensor(output.astype(np.float32)))
    terms, gradients = values_and_gradients(objective, network.outputs, np.zeros((2, 3, height, width), np.float32))

    leaves = [torch.tensor(output.astype(np.float32).astype(float), requires_grad=True) for output in outputs]
    before = [torch.tensor(output.astype(np.float32).astype(float)) for output in old]
    expected = peer.soc_losses(peer.Outputs(*leaves), peer.Outputs(*before))
    sum(expected).backward()
    assert terms == pytest.approx([float(term.detach()) for term in expected], rel=1e-5)
    for got, leaf in zip(gradients, leaves, strict=True):
        exact = leaf.grad.numpy()
        assert np.abs(got - exact).max() < 1e-5 * np.abs(exact).max()


def test_whole_network(peer, reference, transfer, build, adapting, batch):
    """With a copy that has other weights: a step of training apart."""
    import torch

    old = copy.deepcopy(reference)
    with torch.no_grad():
        old.f_branch.conv_f[1].layers[0].bias -= 2  # else all of the alpha is above the threshold of a person
    theirs = peer.training_with_frozen_norms(copy.deepcopy(old))
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in theirs.parameters():
            change = 0.02 * parameter.abs().mean() * torch.randn(parameter.shape, generator=random)
            parameter.copy_((parameter + change).float())
    image = batch(1, 128, 128, seed=5)[0]
    exact_image = torch.tensor(image).double()
    with torch.no_grad():
        before = old(exact_image)
    expected = peer.soc_losses(theirs(exact_image), before)
    sum(expected).backward()

    objective = zoo_modnet.build_soc(transfer(old, build()), adapting).set_train(True)
    transfer(theirs, objective.network)
    parameters = objective.trainable_params()
    terms, gradients = values_and_gradients(objective, parameters, image)
    assert terms == pytest.approx([float(term.detach()) for term in expected], rel=1e-3)
    names = zoo_modnet.convert({n: p.grad.numpy() for n, p in theirs.named_parameters()})
    renamed = {n.replace(".weight", ".gamma").replace(".bias", ".beta"): g for n, g in names.items()}
    total = np.sqrt(sum((g**2).sum() for g in names.values()))
    for parameter, got in zip(parameters, gradients, strict=True):
        exact = names.get(parameter.name, renamed.get(parameter.name))
        assert np.linalg.norm(got - exact) < 0.02 * np.linalg.norm(exact) + 1e-4 * total, parameter.name


def test_without_a_person_everything_is_finite(build_micro, adapting, batch):
    """The authors' code divides by the sum of an empty mask here (ZHKKKe/MODNet, issues 68 and 143)."""
    network = build_micro()
    objective = zoo_modnet.build_soc(network, adapting).set_train(True)
    network.matte.bias.set_data(Tensor(np.full(1, -50, np.float32)))  # an alpha near 0: no pixel is a person
    parameters = network.trainable_params()
    terms, gradients = values_and_gradients(objective, parameters, batch(1, 64, 64)[0])
    assert terms[1:] == [0, 0]
    assert np.isfinite(terms[0])
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    # One empty picture of two halves the mean over the other's boundary.
    semantic, detail, alpha = blobs(1, 64, 64, 2)
    old = blobs(1, 64, 64, 3)

    def terms_of(*outputs_and_old):
        outputs, before = outputs_and_old
        found = zoo_modnet.build_soc(Fixed(*before), adapting)
        for parameter, output in zip(found.network.outputs, outputs, strict=True):
            parameter.set_data(Tensor(output.astype(np.float32)))
        return [float(v.asnumpy()) for v in found(Tensor(np.zeros((1,), np.float32)), None, None)][2:]

    alone = terms_of((semantic, detail, alpha), old)
    empty = [np.concatenate((output, 0 * output)) for output in (semantic, detail, alpha)]
    beside = terms_of(empty, [np.concatenate((output, output)) for output in old])
    assert min(alone) > 0
    assert beside == pytest.approx([value / 2 for value in alone], rel=1e-6)


@pytest.mark.parametrize("side", [32, 64, 96, 160, 416])  # squares of 2 (1 would be no boundary), 3, 4, 8, 20 pixels
def test_boundary_is_that_of_scipy(side):
    semantic, _, alpha = blobs(1, side, side, side)
    got = boundary(*(Tensor(each.astype(np.float32)) for each in (semantic, alpha))).asnumpy()[0, 0]
    # Bilinear enlarging by 16 with half-pixel centres is the mean of 16 x 16 nearest neighbours' ramps; SciPy's zoom
    # in grid mode is the same.
    large = ndimage.zoom((semantic[0, 0] > 0.1).astype(float), 16, order=1, mode="nearest", grid_mode=True)
    person = large * (alpha[0, 0] > 0.1)
    square = {32: 2, 64: 3, 96: 4, 160: 8, 416: 20}[side]
    widest, narrowest = (f(person, size=(square,) * 2) for f in (ndimage.grey_dilation, ndimage.grey_erosion))
    expected = widest - narrowest > 1e-9
    assert 0 < expected.mean() < 1
    np.testing.assert_array_equal(got, expected)


def test_scales_are_options(adapting):
    outputs, old = blobs(1, 64, 64, 4), blobs(1, 64, 64, 5)
    options = {**adapting.model.options, "soc_semantic_scale": 1.0, "soc_detail_scale": 3.0}
    changed = adapting.override(model={"options": options})

    def terms_with(config):
        objective = zoo_modnet.build_soc(Fixed(*old), config)
        for parameter, output in zip(objective.network.outputs, outputs, strict=True):
            parameter.set_data(Tensor(output.astype(np.float32)))
        loss, *terms = (float(v.asnumpy()) for v in objective(Tensor(np.zeros((1,), np.float32)), None, None))
        assert loss == pytest.approx(sum(terms), rel=1e-6)
        return np.array(terms)

    np.testing.assert_allclose(terms_with(changed) / terms_with(adapting), [0.01, 3, 3], rtol=1e-5)


def test_needs_weights_to_begin_with(build_micro, config):
    with pytest.raises(UsageError, match="stage soc adapts a trained network, and none is given: add --checkpoint"):
        zoo_modnet.build_soc(build_micro(), config)


def test_copy_is_the_objectives_own(build_micro, adapting):
    network = build_micro()
    names = [p.name for p in network.get_parameters()]
    objective = zoo_modnet.build_soc(network, adapting)
    assert [p.name for p in network.get_parameters()] == names
    own = [p for p in objective.get_parameters() if p.name not in names]
    assert [p.name for p in own] == [COPY + name for name in names]
    assert [p.name for p in objective.trainable_params()] == [p.name for p in network.trainable_params()]
    np.testing.assert_equal(arrays_of(objective, COPY), arrays_of(network))


def test_training(build_micro, adapting, batch):
    """Compiled steps over three epochs: what moves, what stays, and when the copy catches up."""
    network = build_micro()
    objective = zoo_modnet.build_soc(network, adapting)
    objective.set_train(False).set_train(True)
    first = arrays_of(network)
    parameters = network.trainable_params()
    optimizer = nn.Adam(parameters, 1e-3)
    gradient = ms.value_and_grad(objective, None, parameters, has_aux=True)

    @ms.jit
    def step(image):
        values, gradients = gradient(image, None, None)
        optimizer(gradients)
        return values[1:]

    def terms(image):
        return dict(zip(TERMS, (float(v.asnumpy()) for v in step(image)), strict=True))

    image = Tensor(batch(1, 64, 64, seed=3)[0])
    start = arrays_of(network)
    for _ in range(3):
        assert terms(image)["detail"] == 0  # the network is its copy still, to the last bit
        later = terms(image)
        assert later["detail"] > 0
        assert later["matte"] > 0
        np.testing.assert_equal(arrays_of(objective, COPY), start)
        objective.epoch_end()
        start = arrays_of(network)
        np.testing.assert_equal(arrays_of(objective, COPY), start)

    changed = {name for name, array in start.items() if not np.array_equal(array, first[name])}
    assert not [name for name in changed if "moving_" in name]
    assert {name.rpartition(".")[2] for name in changed} == {"weight", "bias", "gamma", "beta"}
    # Statistics that are kept and not used would pass until here.
    other = network.features.layers[1].bnorm.moving_variance
    ops.assign(other, 4 * other)
    assert terms(image)["detail"] > 0


@pytest.fixture
def run_zoo(tmp_path, monkeypatch, capsys):
    """A function: a command line in an empty folder, with the small plugin."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZOO_LOAD_PLUGINS", "modnet")

    def run(*words):
        from zoo.cli import run as command_line

        code = command_line([*(str(word) for word in words), "--plugin", str(SMALL)])
        return code, capsys.readouterr().err

    return run


def write_pictures(root, batch, count, labelled):
    image, alpha, _ = batch(count, 96, 96, seed=11)
    for folder, arrays in (("image", (image + 1) / 2), ("alpha", alpha))[: 2 if labelled else 1]:
        (root / folder).mkdir(parents=True)
        for number, array in enumerate(arrays):
            pixels = np.round(255 * array.transpose(1, 2, 0)).astype(np.uint8)
            cv2.imwrite(str(root / folder / f"{number}.png"), pixels[..., ::-1])
    return root


def logged(run):
    return [json.loads(line) for line in (Path(run) / "log.jsonl").read_text().splitlines()]


def settings(*words):
    return [part for word in words for part in ("--set", word)]


def test_both_stages_and_a_resume(run_zoo, batch, tmp_path):
    """On the micro model; a resumed adaptation is the unbroken one."""
    labelled = write_pictures(tmp_path / "labelled", batch, 8, True)
    bare = write_pictures(tmp_path / "bare", batch, 4, False)
    small = settings("model.backbone=null", "data.crop_size=64", "train.optimizer=adam", "train.schedule=constant")
    code, err = run_zoo(
        "train", "micro", "--dataset", "folder", "--data-root", labelled, "--output", "first",
        *small, *settings("train.epochs=10", "train.batch_size=4", "train.lr=0.01"),
    )  # fmt: skip
    assert code == 0, err

    adapt = ["train", "micro", "--stage", "soc", "--dataset", "folder", "--data-root", bare, *small]
    adapt += settings("train.epochs=3", "train.batch_size=1", "train.lr=0.001", "train.save_every=3", "train.keep=9")
    code, err = run_zoo(*adapt, "--output", "none")
    assert code == 2
    assert "stage soc adapts a trained network" in err.strip().splitlines()[-1]
    code, err = run_zoo(*adapt, "--checkpoint", "first", "--output", "second")
    assert code == 0, err
    steps = logged("second")
    # Four steps an epoch: at the first of each the network is its copy still.
    apart = np.array([step["detail"] + step["matte"] for step in steps]).reshape(3, 4)
    assert (apart[:, 0] == 0).all()
    assert (apart[:, 1:].max(axis=1) > 0).all()

    # Step 6 is in the middle of the second epoch: the copy is neither what the run began with nor the network.
    shutil.copytree("second", "third")
    for file in Path("third/checkpoints").iterdir():
        file.unlink()
    shutil.copy("second/checkpoints/step-00000006.ckpt", "third/checkpoints/last.ckpt")
    code, err = run_zoo("train", "micro", "--resume", "third")
    assert code == 0, err
    assert "resuming after step 6" in err
    assert [step["loss"] for step in logged("third")] == [step["loss"] for step in steps]


def test_adaptation_makes_the_outputs_agree(run_zoo, batch, tmp_path, adapting):
    """MODNet on a narrow encoder, from random weights: outputs that know nothing of each other."""
    import zoo

    bare = write_pictures(tmp_path / "bare", batch, 4, False)
    small = settings("model.backbone=narrow", "model.options.hr_channels=4", "model.options.lr_channels=[6,4]")
    small += settings("data.crop_size=64", "eval.short_side=64", "data.transforms=[]")
    small += settings("train.optimizer=adam", "train.lr=0.001", "train.schedule=constant", "train.batch_size=1")
    assert zoo.load  # TODO
