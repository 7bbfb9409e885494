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
from zoo.engine.checkpoint import load_weights, read, save

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
def small():
    """The module small_plugin.py, under a name by which compiling finds its source."""
    place = importlib.util.spec_from_file_location("small_plugin_of_the_tests", SMALL)
    module = sys.modules[place.name] = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    yield module
    del sys.modules[place.name]


@pytest.fixture(scope="module")
def build_micro(small, adapting):
    """A function: the network of model micro, with lively statistics and alphas on both sides of the threshold."""

    def make():
        network = small.build_micro(adapting, None)
        random = np.random.default_rng(0)
        norm = network.features.layers[1].bnorm
        norm.moving_mean.set_data(Tensor(random.normal(0, 0.2, 4).astype(np.float32)))
        norm.moving_variance.set_data(Tensor(random.uniform(0.5, 2, 4).astype(np.float32)))
        network.matte.weight.set_data(4 * network.matte.weight)
        network.matte.bias.set_data(Tensor(np.full(1, -1, np.float32)))
        return network

    return make


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


# Squares of 7 and 8 pixels (5 % of the mean side), and 3 on a small picture.
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


def test_outputs_in_half_precision(adapting):
    """As mixed precision gives them; more pixels at the boundary than a float16 can count (65504)."""
    outputs, old = blobs(1, 416, 416, 6), blobs(1, 416, 416, 7)
    assert boundary(*(Tensor(outputs[i].astype(np.float32)) for i in (0, 2))).asnumpy().sum() > 65504
    objective = zoo_modnet.build_soc(Fixed(*old), adapting)
    network = objective.network
    for parameter, output in zip(network.outputs, outputs, strict=True):
        parameter.set_data(Tensor(output.astype(np.float32)))
    image = Tensor(np.zeros((1,), np.float32))
    single = [float(v.asnumpy()) for v in objective(image, None, None)]
    network.branches = lambda image: [output.astype(ms.float16) for output in network.outputs]
    half = [float(v.asnumpy()) for v in objective(image, None, None)]
    assert half == pytest.approx(single, rel=5e-3)


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


def write_pictures(root, batch, count):
    (root / "image").mkdir(parents=True)
    for number, image in enumerate(batch(count, 96, 96, seed=11)[0]):
        pixels = np.round(255 * (image + 1) / 2).astype(np.uint8).transpose(1, 2, 0)
        cv2.imwrite(str(root / "image" / f"{number}.png"), pixels[..., ::-1])
    return root


def logged(run):
    return [json.loads(line) for line in (Path(run) / "log.jsonl").read_text().splitlines()]


def settings(*words):
    return [part for word in words for part in ("--set", word)]


def begin_with(network, config, path):
    """A checkpoint as the first stage leaves it."""
    meta = {"model": config.model.name, "plugin": "a test", "plugin_version": "0", "config": config.to_dict()}
    save(path, {p.name: p.asnumpy() for p in network.get_parameters()}, meta)
    return path


SMALL_RUN = ("data.crop_size=64", "train.optimizer=adam", "train.schedule=constant", "train.batch_size=1")


def test_a_resumed_adaptation_is_the_unbroken_one(run_zoo, batch, tmp_path, config, build_micro):
    bare = write_pictures(tmp_path / "bare", batch, 4)
    adapt = ["train", "micro", "--stage", "soc", "--dataset", "folder", "--data-root", bare]
    adapt += settings("model.backbone=null", *SMALL_RUN)
    adapt += settings("train.epochs=3", "train.lr=0.0003", "train.save_every=3", "train.keep=9")
    code, err = run_zoo(*adapt, "--output", "none")
    assert code == 2
    assert "stage soc adapts a trained network" in err.strip().splitlines()[-1]
    start = begin_with(build_micro(), config.override(model={"name": "micro"}), tmp_path / "start.ckpt")
    code, err = run_zoo(*adapt, "--checkpoint", start, "--output", "whole")
    assert code == 0, err
    steps = logged("whole")
    # Four steps an epoch: at the first of each the network is its copy still, which is the checkpoint's at first.
    apart = np.array([step["detail"] + step["matte"] for step in steps]).reshape(3, 4)
    assert (apart[:, 0] == 0).all()
    assert (apart[:, 1:].max(axis=1) > 0).all()

    # Step 6 is in the middle of the second epoch: the copy is neither what the run began with nor the network.
    shutil.copytree("whole", "resumed")
    for file in Path("resumed/checkpoints").iterdir():
        file.unlink()
    shutil.copy("whole/checkpoints/step-00000006.ckpt", "resumed/checkpoints/last.ckpt")
    code, err = run_zoo("train", "micro", "--resume", "resumed")
    assert code == 0, err
    assert "resuming after step 6" in err
    assert [step["loss"] for step in logged("resumed")] == [step["loss"] for step in steps]


def test_adaptation_makes_the_outputs_agree(run_zoo, batch, tmp_path, adapting, small):
    """MODNet on a narrow encoder, with random weights: outputs that know nothing of each other."""
    bare = write_pictures(tmp_path / "bare", batch, 4)
    options = {**adapting.model.options, "hr_channels": 4, "lr_channels": [6, 4]}
    narrow = adapting.override(model={"name": "modnet", "backbone": "narrow", "options": options})
    network = zoo_modnet.build_network(narrow, small.build_narrow(narrow))
    start = begin_with(network, narrow, tmp_path / "start.ckpt")
    code, err = run_zoo(
        "train", "modnet", "--stage", "soc", "--dataset", "folder", "--data-root", bare, "--checkpoint", start,
        *settings("model.backbone=narrow", "model.options.hr_channels=4", "model.options.lr_channels=[6,4]"),
        *settings(*SMALL_RUN, "train.epochs=5", "train.lr=0.001"), "--output", "run",
    )  # fmt: skip
    assert code == 0, err
    semantic = np.array([step["semantic"] for step in logged("run")]).reshape(5, 4).mean(axis=1)
    assert semantic[-1] < 0.5 * semantic[0]
    adapted = read(Path("run/checkpoints/last.ckpt"))
    assert adapted.weights.keys() == {p.name for p in network.get_parameters()}

    # The pictures as a whole, in evaluation mode as they are predicted from.
    image = Tensor(batch(4, 96, 96, seed=11)[0])
    objective = zoo_modnet.build_soc(network, narrow)

    def disagreement():
        semantic, _, alpha = network.branches(image)
        return float(objective.disagreement(semantic, alpha).asnumpy())

    before = disagreement()
    load_weights(network, adapted.weights, "the run")
    assert disagreement() < 0.7 * before
