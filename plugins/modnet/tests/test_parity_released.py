"""What needs the authors' own files, which are not part of this project: run by whoever has them.

ZOO_MODNET_SOURCE      a checkout of ZHKKKe/MODNet: is the restatement in torch_modnet.py their network?
ZOO_MODNET_CHECKPOINT  a published checkpoint: do their weights give the same alpha here as in PyTorch?
"""

import os
from pathlib import Path

import numpy as np
import pytest

SOURCE, CHECKPOINT = (os.environ.get(f"ZOO_MODNET_{name}") for name in ("SOURCE", "CHECKPOINT"))


@pytest.mark.skipif(not SOURCE, reason="ZOO_MODNET_SOURCE names no checkout of ZHKKKe/MODNet")
def test_restatement_is_the_authors_network(peer, reference, batch, monkeypatch):
    """Names, shapes and, in float64, values in both modes; runs the code of that checkout."""
    import torch

    monkeypatch.syspath_prepend(SOURCE)
    from src.models.modnet import MODNet

    theirs = MODNet(backbone_pretrained=False).double()
    assert {n: v.shape for n, v in theirs.state_dict().items()} == {
        n: v.shape for n, v in peer.MODNet().state_dict().items()
    }
    ours = peer.MODNet().double()
    for network in (theirs, ours):
        network.load_state_dict(reference.state_dict())
    image = torch.tensor(batch(2, 128, 96, seed=1)[0]).double()
    for training in (False, True):
        with torch.no_grad():
            outputs = [
                network.train(training)(*extra) for network, extra in ((theirs, (image, False)), (ours, (image,)))
            ]
        for expected, got in zip(*outputs, strict=True):
            np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-9)


@pytest.mark.skipif(not CHECKPOINT, reason="ZOO_MODNET_CHECKPOINT names no published checkpoint")
def test_published_weights(peer, batch, figures, tmp_path):
    """Converted by the command, the gates of test_parity.py."""
    import torch
    from mindspore import Tensor

    import zoo
    from zoo.cli import run

    network = peer.MODNet()
    state = torch.load(CHECKPOINT, map_location="cpu", weights_only=True)
    network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    assert run(["convert", "modnet", CHECKPOINT, str(tmp_path / "modnet.ckpt")]) == 0
    converted = zoo.load("modnet", checkpoint=tmp_path / "modnet.ckpt", device="CPU").network
    image = batch(1, 512, 512, seed=7)[0]
    with torch.no_grad():
        expected = [output.numpy() for output in network.eval()(torch.tensor(image))]
    for name, got, their in zip(
        ("semantic", "detail", "alpha"), converted.branches(Tensor(image)), expected, strict=True
    ):
        difference = abs(got.asnumpy() - their)
        figures(
            f"Published weights {Path(CHECKPOINT).name}, 512 x 512, largest / mean absolute difference",
            output=name,
            **{"zoo - PyTorch": f"{difference.max():.1e} / {difference.mean():.1e}"},
        )
        assert difference.max() <= 5e-4, name
        assert difference.mean() <= 5e-5, name
