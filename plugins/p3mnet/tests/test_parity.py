"""The whole network against PyTorch in float64: outputs in evaluation mode, gradients in training mode.

Gates, on outputs between 0 and 1 (of logits the probabilities): 5e-4 at most and 5e-5 in the mean. PyTorch in float32
is itself about 1e-4 from PyTorch in float64, so that a much smaller gate would measure the weather. Two decisions are
left out of it, because rounding alone can turn them. Which of two nearly equal pixels is the maximum of a window: the
others are told which one zoo took, and check that it is one. Which of two nearly equal classes is the likeliest, where
the alpha jumps: it is compared where one is clearly ahead.
"""

import copy
import hashlib

import mindspore as ms
import numpy as np
import pytest
import zoo_p3mnet

MOST, MEAN = 5e-4, 5e-5
CLEAR = 0.01
"""Distance of the two most likely classes, in probability, from which rounding does not decide between them."""


def test_names_are_those_of_the_released_checkpoints(peer):
    state = peer.P3mNet().state_dict()
    lines = sorted(f"{name} {tuple(value.shape)}" for name, value in state.items())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    # From a transcript of the authors' modules (JizhiziLi/P3M, core/network at commit 1e6d687), run once for this
    # purpose: the digest of its names and shapes, sorted, one a line. With the same weights its outputs in both modes
    # were the peer's to the last bit, in float64.
    assert (len(lines), digest) == (713, "fb8ec53119bf015ba50751f229f710bc9fc975eeecdf7117b0e7db8ab7bf1b3f")
    # The encoder is registered in two places: the same tensors under two names.
    first, second = "resnet.layer3.5.conv2.weight", "encoder3.5.conv2.weight"
    assert state[first].data_ptr() == state[second].data_ptr()


def probabilities(logits):
    """Softmax over the classes, (N, 3, H, W)."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def outputs(trimap, detail, alpha, *sides):
    """Each output as a float64 array between 0 and 1."""
    arrays = [np.asarray(each, np.float64) for each in (trimap, detail, alpha, *sides)]
    return [probabilities(each) if each.shape[1] == 3 else each for each in arrays]


def places_of(network, image):
    """The pixels that zoo's network takes for the maxima of its poolings."""
    import torch

    return [torch.tensor(network.places(each).asnumpy()) for each in network.backbone(ms.Tensor(image))[:5]]


def of_peer(network, image, *places):
    import torch

    with torch.no_grad():
        found = network(torch.tensor(image).to(next(network.parameters()).dtype), *places)
    return outputs(*(each.numpy() for each in found))


def of_zoo(network, image):
    trimap, detail, alpha, sides = network.branches(ms.Tensor(image))
    return outputs(*(each.asnumpy() for each in (trimap, detail, alpha, *sides)))


def distance(one, other, where=True):
    """Largest and mean absolute difference."""
    difference = abs(one - other)[np.broadcast_to(where, one.shape)]
    return difference.max(), difference.mean()


NAMES = ("trimap", "detail", "alpha", "trimap at 1/8", "trimap at 1/4", "trimap at 1/2")


@pytest.mark.parametrize(("width", "height", "across"), [(8, 96, 96), (8, 64, 160), (64, 64, 64)])
def test_evaluation(peer, build, config, transfer, batch, figures, width, height, across):
    """A square, an oblong picture, and the published width."""
    import torch

    options = {**config.model.options, "encoder_width": width}
    pictures = batch(4, height, across, seed=7)[0]
    reference = peer.lively(peer.P3mNet(width).double(), torch.tensor(pictures).double())
    single = copy.deepcopy(reference).float()
    network = transfer(single, build(config.override(model={"options": options}))).set_train(False)
    image = pictures[:1]
    places = places_of(network, image)
    ours, theirs, exact = of_zoo(network, image), of_peer(single, image, places), of_peer(reference, image, places)
    ordered = np.sort(exact[0], axis=1)
    clear = ordered[:, 2:] - ordered[:, 1:2] > CLEAR
    assert clear.mean() > 0.95
    for name, our, their, true in zip(NAMES, ours, theirs, exact, strict=True):
        where = clear if name == "alpha" else True
        pairs = {
            "zoo - PyTorch": distance(our, their, where),
            "zoo - float64": distance(our, true, where),
            "PyTorch - float64": distance(their, true, where),
        }
        low, high = np.quantile(true, [0.05, 0.95])
        figures(
            "Evaluation mode, largest / mean absolute difference of float32 outputs in [0, 1]",
            width=width,
            picture=f"{height} x {across}",
            output=name,
            **{pair: f"{a:.1e} / {b:.1e}" for pair, (a, b) in pairs.items()},
            **{"5 % to 95 %": f"{low:.2f} to {high:.2f}"},
        )
        most, mean = pairs["zoo - float64"]
        assert most <= MOST, name
        assert mean <= MEAN, name
        assert high - low > 0.3, f"{name} is nearly constant and proves nothing"
    assert (np.bincount(exact[0].argmax(1).ravel()) > 0.05 * clear.size).all(), "each class has its part of the picture"


def test_prediction_through_the_commands(peer, batch, tmp_path):
    """torch.save as the authors save, `zoo convert`, `zoo.load`, predict: the alpha that PyTorch computes."""
    import torch

    import zoo
    from zoo.cli import run

    picture = np.clip(np.rint((batch(1, 128, 192, seed=8)[0][0].transpose(1, 2, 0) + 2) * 64), 0, 255).astype(np.uint8)
    # The protocol halves the picture, bilinear without smoothing: each pixel is the mean of 2 x 2.
    half = picture.reshape(64, 2, 96, 2, 3).mean((1, 3))
    normalised = (half / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    image = torch.tensor(normalised.transpose(2, 0, 1)[None])
    reference = peer.lively(peer.P3mNet(8).double(), image)
    torch.save({"state_dict": copy.deepcopy(reference).float().state_dict()}, tmp_path / "source.pth")
    words = ["--set", "model.options.encoder_width=8", "--quiet"]
    assert run(["convert", "p3mnet", str(tmp_path / "source.pth"), str(tmp_path / "p3mnet.ckpt"), *words]) == 0
    alpha = zoo.load("p3mnet", checkpoint=tmp_path / "p3mnet.ckpt", device="CPU").predict(picture)
    trimap, _, exact, *_ = of_peer(reference, image.numpy())
    ordered = np.sort(trimap, axis=1)
    # Enlarged again, a pixel holds something of up to four pixels; the clear ones among them are even.
    clear = (ordered[0, 2] - ordered[0, 1]) > CLEAR
    enlarged = torch.nn.functional.interpolate(torch.tensor(exact), scale_factor=2, mode="bilinear")[0, 0].numpy()
    surely = torch.nn.functional.max_pool2d(torch.tensor(~clear)[None].double(), 3, 1, 1)[0].numpy() == 0
    inside = np.repeat(np.repeat(surely, 2, 0), 2, 1)
    inside[[0, -1]], inside[:, [0, -1]] = False, False  # zeros are mixed in at the edge
    assert inside.mean() > 0.8
    most, mean = distance(alpha, enlarged, inside)
    assert most <= MOST
    assert mean <= MEAN


# --- Training mode ---------------------------------------------------------------------------------


def gradients_of_peer(network, image, weights, places):
    """Gradients of a weighted sum of the smooth outputs, by the names of the MindSpore network."""
    import torch

    network = copy.deepcopy(network).train()
    dtype = next(network.parameters()).dtype
    out = network(torch.tensor(image).to(dtype), places)
    smooth = (out.trimap, out.detail, out.side2, out.side1, out.side0)
    sum((each * torch.tensor(w).to(dtype)).mean() for each, w in zip(smooth, weights, strict=True)).backward()
    found = {n: p.grad.double().numpy() for n, p in network.named_parameters() if p.grad is not None}
    statistics = {n: v.numpy() for n, v in network.state_dict().items() if n.endswith("running_mean")}
    return zoo_p3mnet.convert({**found, **statistics}), {
        n: v.double().numpy() for n, v in zoo_p3mnet.convert(network.state_dict()).items() if ".moving_" in n
    }


def test_gradients_and_statistics(peer, build, transfer, batch, figures):
    """Every parameter's gradient and every running statistic after one step in training mode."""
    import torch

    image = batch(4, 64, 64, seed=9)[0]
    random = np.random.default_rng(0)
    weights = [random.normal(size=(4, channels, 64, 64)).astype(np.float32) for channels in (3, 1, 3, 3, 3)]
    reference = peer.lively(peer.P3mNet(8).double(), torch.tensor(image).double())
    single = copy.deepcopy(reference).float()
    network = transfer(single, build()).set_train(True)
    parameters = network.trainable_params()
    given = [ms.Tensor(weight) for weight in weights]

    def total(image):
        trimap, detail, _, sides = network.branches(image)
        return sum((each * w).mean() for each, w in zip((trimap, detail, *sides), given, strict=True))

    gradients = ms.grad(total, None, parameters)(ms.Tensor(image))
    ours = {p.name: g.asnumpy() for p, g in zip(parameters, gradients, strict=True)}
    found = {p.name: p.asnumpy() for p in network.get_parameters() if not p.requires_grad}
    places = places_of(network, image)
    exact, statistics = gradients_of_peer(reference, image, weights, places)
    theirs, _ = gradients_of_peer(single, image, weights, places)

    assert set(found) == set(statistics)
    for name, value in statistics.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-4, err_msg=name)
    size = np.sqrt(sum((exact[name] ** 2).sum() for name in ours))
    error, their_error = (
        np.sqrt(sum(((each[name] - exact[name]) ** 2).sum() for name in ours)) / size for each in (ours, theirs)
    )
    # A norm takes back the bias before it: its gradient is rounding alone, hence the floor.
    relative = {name: abs(ours[name] - exact[name]).max() / max(abs(exact[name]).max(), 1e-4 * size) for name in ours}
    worst = max(relative, key=relative.get)
    figures(
        "Gradients of all parameters in training mode, distance from float64 relative to their norm",
        zoo=f"{error:.1e}",
        PyTorch=f"{their_error:.1e}",
        **{"worst parameter of zoo": f"{worst} {relative[worst]:.1e}"},
    )
    assert error < 2e-3
    assert relative[worst] < 0.02, worst
