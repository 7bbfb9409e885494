"""What cannot be exported is refused by name and place; what can is a file of its own."""

from __future__ import annotations

import numpy as np
import pytest

from registry import UsageError, ZooError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module", autouse=True)
def _started():
    from zoo.engine import device

    device.start("CPU")


def network(function):
    """An alpha network (N, 3, H, W) -> (N, 1, H, W) with a function or cell under test as its ``head``."""
    from mindspore import nn, ops

    class Head(nn.Cell):
        def construct(self, x):
            return function(x)

    class Network(nn.Cell):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, stride=2)
            self.head = function if isinstance(function, nn.Cell) else Head()

        def construct(self, image):
            x = self.head(self.conv(image))
            x = ops.interpolate(x, size=(image.shape[2], image.shape[3]), mode="bilinear")
            return ops.sigmoid(x.mean(axis=1, keep_dims=True))

    return Network().set_train(False)


def refusal(function):
    from zoo.export.onnx_graph import to_onnx

    with pytest.raises(ZooError) as caught:
        to_onnx(network(function), 4, "test", {})
    assert caught.value.exit_code == 1
    return str(caught.value)


def test_an_operator_without_counterpart_is_named_with_its_place():
    from mindspore import ops

    def unknown(x):
        return ops.cumsum(x, 1)

    assert refusal(unknown) == "head/CumSum: operator CumSum has no counterpart in zoo's ONNX export"


def test_a_size_that_does_not_scale_is_named():
    from mindspore import ops

    def shifted(x):  # H/2 + 3 and W/2 + 3: no product
        return ops.interpolate(x, size=(x.shape[2] + 3, x.shape[3] + 3), mode="bilinear")

    assert refusal(shifted) == (
        "ResizeBilinearV2 cannot be exported: the size 7 for an input 2x3x8x8, 13 for 3x3x20x28, does not scale with "
        "the input"
    )


def test_a_constant_that_depends_on_the_size_is_named():
    from mindspore import ops

    def ramp(x):
        return x + ops.arange(x.shape[3]).astype(x.dtype)

    assert "a constant depends on the size of the input" in refusal(ramp)


def test_a_norm_that_mixes_the_pictures_of_a_batch_is_named():
    from mindspore import nn

    norm = nn.BatchNorm2d(4, use_batch_statistics=True)

    assert "head/" in (text := refusal(norm))
    assert "it takes the statistics of the batch" in text


def test_a_graph_that_changes_with_the_size_is_named():
    def small_only(x):
        return x * 2 + 1 if x.shape[2] < 8 else x.exp()

    assert "another one for another size" in refusal(small_only)


def test_a_network_that_answers_no_alpha_is_refused():
    from mindspore import nn

    from zoo.export.onnx_graph import to_onnx

    with pytest.raises(ZooError, match="does not answer an alpha"):
        to_onnx(nn.Conv2d(3, 2, 3).set_train(False), 4, "test", {})


def test_the_file_is_one_of_open_batch_height_and_width_with_the_networks_names():
    from zoo.export.onnx_graph import to_onnx

    def same(x):
        return x

    model = to_onnx(network(same), 4, "test", {"model": "test"})
    shape = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert shape == ["batch", 3, "height", "width"]
    assert "conv.weight" in [each.name for each in model.graph.initializer]
    assert {each.key: each.value for each in model.metadata_props} == {"model": "test"}
    again = to_onnx(network(same), 4, "test", {"model": "test"})
    assert [node.op_type for node in again.graph.node] == [node.op_type for node in model.graph.node]


def test_a_difference_above_the_tolerance_is_refused():
    from zoo.export.verify import compare, require_agreement

    def same(x):
        return x

    cell = network(same)
    found = compare(cell, lambda image: np.full((image.shape[0], 1, *image.shape[2:]), 2.0, np.float32), 4)
    assert [(case["batch"], case["height"], case["width"]) for case in found] == [(1, 16, 12), (2, 12, 20)]
    with pytest.raises(ZooError, match=r"differs from the network by 1\.\d+ \(batch .* own alphas move by \d"):
        require_agreement(cell, found, 4)
    lost = [{"batch": 1, "height": 4, "width": 4, "max": float("nan"), "mean": 0.0}]
    with pytest.raises(ZooError, match="differs"):
        require_agreement(cell, lost, 4)


def test_a_missing_package_is_told_with_what_to_install(monkeypatch):
    import builtins

    from zoo.export.extra import require_onnx

    real = builtins.__import__
    monkeypatch.setattr("importlib.import_module", lambda name: real("not_there_at_all"))
    with pytest.raises(UsageError, match=r'pip install "matting-zoo\[onnx\]"'):
        require_onnx()
