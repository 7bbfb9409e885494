"""Learning rates by hand."""

from __future__ import annotations

import pytest

from zoo.config import resolve
from zoo.engine.optimizer import learning_rates


def rates(steps_per_epoch: int, *settings: str) -> list[float]:
    return learning_rates(resolve(settings=[f"train.{s}" for s in settings]).config.train, steps_per_epoch)


def test_step_of_the_authors():
    # 40 epochs, a tenth after each quarter.
    found = rates(588, "epochs=40", "lr=0.01", "schedule=step", "step_epochs=10", "gamma=0.1")
    assert len(found) == 40 * 588
    assert found[0] == found[5879] == 0.01
    assert found[5880] == pytest.approx(0.001)
    assert found[-1] == pytest.approx(1e-5)


def test_cosine_falls_to_almost_nothing():
    found = rates(2, "epochs=4", "lr=1", "schedule=cosine")
    assert found == pytest.approx([1, 0.96194, 0.85355, 0.69134, 0.5, 0.30866, 0.14645, 0.03806], abs=1e-5)


def test_warm_up_climbs_to_the_rate_and_the_schedule_follows():
    found = rates(4, "epochs=2", "lr=1", "schedule=cosine", "warmup_steps=4")
    assert found == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 0.85355, 0.5, 0.14645], abs=1e-5)
    assert rates(1, "epochs=2", "lr=1", "schedule=constant", "warmup_steps=9") == [0.5, 1.0]
