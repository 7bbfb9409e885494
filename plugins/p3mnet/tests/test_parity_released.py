"""What needs the authors' own files, which are not part of this project: run by whoever has them.

ZOO_P3MNET_SOURCE      a checkout of JizhiziLi/P3M: is the restatement in torch_p3mnet.py their network?
ZOO_P3MNET_CHECKPOINT  their published checkpoint: do its weights give the same outputs here as in PyTorch?
"""

import os

import numpy as np
import pytest

SOURCE, CHECKPOINT = (os.environ.get(f"ZOO_P3MNET_{name}") for name in ("SOURCE", "CHECKPOINT"))


@pytest.mark.skipif(not SOURCE, reason="ZOO_P3MNET_SOURCE names no checkout of JizhiziLi/P3M")
def test_restatement_is_the_authors_network(peer, batch, monkeypatch):
    """Names, shapes and, in float64, values in both modes; runs the code of that checkout."""
    import torch

    monkeypatch.syspath_prepend(f"{SOURCE}/core")
    from network.P3mNet import P3mNet

    image = torch.tensor(batch(2, 64, 96, seed=1)[0]).double()
    ours = peer.lively(peer.P3mNet().double(), image)
    theirs = P3mNet().double()
    theirs.load_state_dict(ours.state_dict(), strict=True)
    for training in (False, True):
        with torch.no_grad():
            outputs = [network.train(training)(image) for network in (theirs, ours)]
        for expected, got in zip(*outputs, strict=True):
            np.testing.assert_allclose(got.numpy(), expected.numpy(), atol=1e-6)  # their fusion passes float32


@pytest.mark.skipif(not CHECKPOINT, reason="ZOO_P3MNET_CHECKPOINT names no published checkpoint")
def test_published_weights(peer, batch, tmp_path):
    """Converted by the command, the gates of test_parity.py."""
    import torch
    from mindspore import Tensor

    import zoo
    from zoo.cli import run

    network = peer.P3mNet()
    network.load_state_dict(torch.load(CHECKPOINT, map_location="cpu", weights_only=True)["state_dict"], strict=True)
    assert run(["convert", "p3mnet", CHECKPOINT, str(tmp_path / "p3mnet.ckpt")]) == 0
    converted = zoo.load("p3mnet", checkpoint=tmp_path / "p3mnet.ckpt", device="CPU").network
    image = batch(1, 512, 512, seed=7)[0]
    with torch.no_grad():
        expected = network.eval()(torch.tensor(image))
    trimap, detail = (each.asnumpy() for each in converted.branches(Tensor(image))[:2])
    for got, their in ((trimap, expected.trimap.softmax(1)), (detail, expected.detail)):
        got = torch.tensor(got).softmax(1) if got.shape[1] == 3 else torch.tensor(got)
        difference = (got - their).abs()
        # A maximum that rounding moves changes a few pixels by more.
        assert difference.flatten().quantile(0.999) <= 5e-4
        assert difference.mean() <= 5e-5
