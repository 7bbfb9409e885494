"""The whole network in evaluation mode against PyTorch, its weights taken over by the commands that a user would type.

Gates, on outputs between 0 and 1: 5e-4 at most and 5e-5 in the mean. PyTorch in float32 is itself about 1e-4 from
PyTorch in float64, so that a smaller gate would measure the weather. What common mistakes do is held against the same
gates below.
"""

import copy
import hashlib

import mindspore as ms
import numpy as np
import pytest

MOST, MEAN = 5e-4, 5e-5
OUTPUTS = ("semantic", "detail", "alpha")


def test_names_are_those_of_the_released_checkpoints(peer):
    state = peer.MODNet().state_dict()
    # From the authors' own module (src/models/modnet.py of ZHKKKe/MODNet, commit ffe3842), run once for this purpose:
    # the digest of its names and shapes, sorted, one a line.
    lines = sorted(f"{name} {tuple(value.shape)}" for name, value in state.items())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert (len(lines), digest) == (751, "3a72600f4a21041803f2378c798a149f4a987faa6f1301dab5f452d13ffb249b")
    # The encoder is registered in two places: the same tensors under two names.
    first, second = (f"{prefix}backbone.model.features.17.conv.3.weight" for prefix in ("", "lr_branch."))
    assert state[first].data_ptr() == state[second].data_ptr()


def distance(one, other):
    """Largest and mean absolute difference."""
    difference = abs(one - other)
    return difference.max(), difference.mean()


def run(network, image):
    """The three outputs of a PyTorch network as arrays, computed in the precision of its weights."""
    import torch

    with torch.no_grad():
        return [output.numpy() for output in network(torch.tensor(image).to(next(network.parameters()).dtype))]


SIZES = {"256 x 256": (256, 256), "320 x 192": (320, 192), "512 x 512": (512, 512)}


@pytest.mark.parametrize(("size", "noise"), [*((size, 0.1) for size in SIZES), ("512 x 512", 0.0)])
def test_evaluation(reference, single, converted, batch, figures, size, noise):
    """Three sizes, one of them with a picture of flat areas as well, where sums in float32 go astray."""
    image = batch(1, *SIZES[size], seed=7, noise=noise)[0]
    ours = [output.asnumpy() for output in converted.network.branches(ms.Tensor(image))]
    theirs, exact = run(single, image), run(reference, image)
    for name, our, their, true in zip(OUTPUTS, ours, theirs, exact, strict=True):
        most, mean = distance(our, their)
        pairs = {"zoo - PyTorch": (most, mean), "zoo - float64": distance(our, true)}
        pairs["PyTorch - float64"] = distance(their, true)
        low, high = np.quantile(true, [0.05, 0.95])
        figures(
            "Evaluation mode, largest / mean absolute difference of float32 outputs in [0, 1]",
            picture=size if noise else f"{size}, flat",
            output=name,
            **{pair: f"{a:.1e} / {b:.1e}" for pair, (a, b) in pairs.items()},
            **{"5 % to 95 %": f"{low:.2f} to {high:.2f}"},
        )
        assert our.dtype == np.float32
        assert most <= MOST, name
        assert mean <= MEAN, name
        assert high - low > 0.3, f"{name} is nearly constant and proves nothing"


def test_prediction_through_the_commands(reference, converted, batch):
    """torch.save, `zoo convert`, `zoo.load`, predict: the alpha that PyTorch computes."""
    picture = np.round((batch(1, 512, 512, seed=8)[0][0].transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
    normalised = ((picture / 255 - 0.5) / 0.5).transpose(2, 0, 1)[None]
    most, mean = distance(converted.predict(picture), run(reference, normalised)[2][0, 0])
    assert most <= MOST
    assert mean <= MEAN


# --- The gates would notice ------------------------------------------------------------------------


def resize_aligned(network, peer, patch):
    """Corners aligned instead of half-pixel centres."""
    functional = peer.F.interpolate
    patch.setattr(peer.F, "interpolate", lambda x, **how: functional(x, **{**how, "align_corners": True}))


def pad_same(network, peer, patch):
    """Padding "same", MindSpore's default: with stride 2 an even side is padded below and to the right only."""
    import torch

    for part in network.modules():
        if isinstance(part, torch.nn.Conv2d) and part.stride == (2, 2):
            part.padding = (0, 0)
            part.register_forward_pre_hook(lambda _, x: peer.F.pad(x[0], (0, 1, 0, 1)))


def no_bias(network, peer, patch):
    """Convolutions without bias, MindSpore's default."""
    import torch

    for part in network.modules():
        if isinstance(part, torch.nn.Conv2d) and part.bias is not None:
            part.bias.data.zero_()


def other_epsilon(network, peer, patch):
    """Batch norm with eps 1e-3, the default of Keras."""
    import torch

    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.eps = 1e-3


def instance_norm_switched_off(network, peer, patch):
    """Instance norm that uses running statistics (0 and 1) in evaluation."""
    patch.setattr(peer.F, "instance_norm", lambda x: x)


def halves_swapped(network, peer, patch):
    """Instance norm for the first half of the channels, batch norm for the second."""
    patch.setattr(
        peer.IBNorm,
        "forward",
        lambda self, x: peer.torch.cat(
            [peer.F.instance_norm(x[:, : x.shape[1] // 2]), self.bnorm(x.chunk(2, 1)[1])], 1
        ),
    )


MISTAKES = [resize_aligned, pad_same, no_bias, other_epsilon, instance_norm_switched_off, halves_swapped]


@pytest.fixture(scope="module")
def small(converted, batch):
    """A picture and what our network makes of it."""
    image = batch(1, 128, 128, seed=7)[0]
    return image, [output.asnumpy() for output in converted.network.branches(ms.Tensor(image))]


@pytest.mark.parametrize("mistake", [None, *MISTAKES])
def test_gates_notice(peer, single, small, figures, monkeypatch, mistake):
    """A network with the mistake is outside the gates that the real one is inside of."""
    image, ours = small
    other = copy.deepcopy(single)
    if mistake is not None:
        mistake(other, peer, monkeypatch)
    row = {}
    for name, our, their in zip(OUTPUTS, ours, run(other, image), strict=True):
        most, mean = distance(our, their)
        row[name] = f"{most:.1e} / {mean:.1e}"
    name = "none" if mistake is None else mistake.__doc__.splitlines()[0].rstrip(".")
    figures("What a mistake in the network would do, same measure at 128 x 128", mistake=name, **row)
    assert (most > 2 * MOST) == (mean > 2 * MEAN) == (mistake is not None), "the alpha's"
