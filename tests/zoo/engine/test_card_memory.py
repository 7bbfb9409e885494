"""Memory of a card: reported where it is used, one line where it is too little."""

from __future__ import annotations

import pytest

from zoo.engine import memory, throughput
from zoo.report.bench import bench_columns


def test_the_peak_of_a_card_has_a_column_and_the_cpu_none(zoo, monkeypatch):
    import json

    words = ("bench", "throughput", "--models", "tiny", "--one-process", "--json", "--runtime", "mindspore")
    words += ("--height", 64, "--width", 64, "--repeat", 1, "--warmup", 0, "--folder", 0, "--no-foreground")
    record = json.loads(zoo(*words, "--output", "cpu").out)
    assert "peak_device_mib" not in record["rows"][0]
    assert "card MiB" not in bench_columns(record)[0]
    monkeypatch.setattr(throughput, "peak_device_mib", lambda: 1234.4)
    record = json.loads(zoo(*words, "--output", "card").out)
    titles, lines = bench_columns(record)
    assert lines[0][titles.index("card MiB")] == "1234"


@pytest.mark.parametrize(
    "text",
    [
        # As MindSpore 2.10's GPU plugin and CUDA's libraries word it (read in the binaries).
        "#umsg#Memory not enough:#umsg#Alloc device memory[1073741824] failed",
        "Allocate device memory failed!",
        "For 'Conv2D', GPU memory alloca failed.",
        "cuDNN Error: CUDNN_STATUS_ALLOC_FAILED",
        "cudaMalloc failed",
    ],
)
def test_words_for_too_little_memory_of_a_card(text):
    assert memory.is_out_of_memory(RuntimeError(text))


def test_a_training_that_does_not_fit_names_the_key(zoo, monkeypatch):
    from zoo.engine import step

    def full(self, batches, first=0):
        raise RuntimeError("Allocate device memory failed!")

    zoo("data", "demo", "data", "--count", 8, "--size", 96)
    monkeypatch.setattr(step._Whole, "__call__", full)
    done = zoo(
        "train",
        "tiny",
        "--dataset",
        "demo",
        "--data-root",
        "data",
        "--output",
        "run",
        "--set",
        "data.val=0",
        "--set",
        "train.epochs=1",
    )
    assert done.code == 1
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("zoo: CPU has no memory left in step 1 with a batch of 2 at 32 x 32: lower train.batch_size")
