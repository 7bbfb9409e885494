"""The table is whole, agrees with itself, and says what MindCV does."""

import json
from pathlib import Path

import pytest
from mindspore import nn
from zoo_mindcv import tabulate
from zoo_mindcv.encoder import Encoder


@pytest.fixture(scope="module")
def held():
    return json.loads(Path(tabulate.TABLE).read_text(encoding="utf-8"))


def test_it_was_made_with_the_versions_that_are_installed(held):
    import mindcv
    import mindspore

    assert held["made_with"] == {"mindcv": mindcv.__version__, "mindspore": mindspore.__version__}


def test_every_network_of_mindcv_stands_in_it_once(held):
    from mindcv.models import list_models

    assert not set(held["backbones"]) & set(held["left_out"])
    assert sorted([*held["backbones"], *held["left_out"]]) == list_models()
    assert all(held["left_out"].values())


def test_rows_agree_with_themselves(held):
    for name, row in held["backbones"].items():
        assert len(row["indices"]) == len(row["channels"]) == len(row["strides"]) >= 4, name
        assert row["strides"] == sorted(set(row["strides"])), name
        assert row["indices"] == sorted(set(row["indices"])), name
        assert all(count > 0 for count in row["channels"]), name
        assert row["strides"][-1] == 32, name
        assert row["url"] == "" or row["url"].startswith("https://download.mindspore.cn/"), name


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small_075"])
def test_a_row_is_what_the_network_says(name, held):
    assert tabulate.ask(name) == held["backbones"][name]


@pytest.mark.parametrize(
    ("name", "reason"), [("vgg11", "argument 'features_only'"), ("squeezenet1_1", "features_only|feature_only")]
)
def test_a_network_without_maps_is_left_out(name, reason, held):
    with pytest.raises((TypeError, RuntimeError), match=reason) as raised:
        tabulate.ask(name)
    assert tabulate._reason(raised.value) == held["left_out"][name] == "it has no features_only"


class _Crossed(nn.Cell):
    """A classifier that does not run its layers in the order of their registration."""

    def __init__(self, crossed):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, stride=2, pad_mode="pad", padding=1, weight_init="ones")
        self.second = nn.ReLU()
        self.crossed = crossed

    def construct(self, image):
        return self.first(self.second(image)) if self.crossed else self.second(self.first(image))


def test_layers_that_run_in_another_order_are_found_out():
    def encoder(classifier):
        return Encoder({"first": classifier.first, "second": classifier.second}, [1], [3], [2])

    tabulate._check_against_classifier(encoder(_Crossed(False)), _Crossed(False))
    with pytest.raises(ValueError, match="otherwise than the classifier"):
        tabulate._check_against_classifier(encoder(_Crossed(True)), _Crossed(True))


def test_parameters_that_no_map_needs_are_found_out():
    class Idle(_Crossed):
        def construct(self, image):
            return (self.second(image),)

    assert tabulate._idle(Idle(False)) == ["first"]
    assert tabulate._idle(_Crossed(False)) == []


def test_some_rows_can_be_made_anew(held, tmp_path, monkeypatch):
    place = tmp_path / "table.json"
    text = tabulate.TABLE.read_text(encoding="utf-8")
    place.write_text(text, encoding="utf-8")
    monkeypatch.setattr(tabulate, "TABLE", place)
    monkeypatch.setattr(tabulate, "ask", lambda name: held["backbones"][name])
    tabulate.main(["resnet18"])
    assert place.read_text(encoding="utf-8") == text
