"""What names a device."""

from __future__ import annotations

import pytest

from registry import UsageError
from zoo.engine import device
from zoo.engine.device import Device


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", Device()),
        ("CPU", Device()),
        ("gpu", Device("GPU", 0)),
        ("GPU:3", Device("GPU", 3)),
        ("ascend:1", Device("Ascend", 1)),
    ],
)
def test_parse(text, expected):
    assert device.parse(text) == expected


def test_the_variable_serves_where_nothing_is_said(monkeypatch):
    monkeypatch.setenv("ZOO_DEVICE", "GPU:2")
    assert device.parse(None) == Device("GPU", 2)
    assert device.parse("CPU") == Device()


@pytest.mark.parametrize("text", ["TPU", "CPU:1", "GPU:", "GPU:-1", "auto:0", "3"])
def test_refused(text):
    with pytest.raises(UsageError, match="no device"):
        device.parse(text)


@pytest.mark.parametrize(("text", "numbered"), [("GPU:0", True), ("GPU", False), ("auto", False)])
def test_a_card_may_be_named_by_its_number(text, numbered):
    assert device.parse(text).numbered is numbered


@pytest.mark.parametrize(("text", "index"), [("GPU", 3), ("Ascend", 3), ("GPU:1", 1), ("CPU", 0)])
def test_each_process_of_a_group_has_its_card(monkeypatch, text, index):
    assert device._of_this_process(device.parse(text)).index == device.parse(text).index
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setenv("DEVICE_ID", "3")
    assert device._of_this_process(device.parse(text)).index == index


def test_one_device_per_process():
    device.start()
    with pytest.raises(UsageError, match="already uses CPU"):
        device.start("GPU:0")
