"""No number from test data reaches the tuning: with other test data the same is proposed, found and chosen.

The data's digest is a part of the fingerprint, so a study of other test data is another study. What is poisoned,
therefore, is what the lanes load, after the study was read from the real data: the test examples are all that differs.
The splits are fixed, since a split that is drawn anew makes test examples of others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import slalom
import slalom_worker.lane.packs
from slalom.wire.trial import Outcome, Phase
from slalom.wiring import local_lanes
from slalom_worker.tasks import open_task
from slalom_worker.tasks.parts import Part
from tests.support.mlflow_tables import database

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom_worker.tasks import Data, Split
    from slalom_worker.tasks.parts import Parts

STUDY = {
    "name": "poisoned",
    "question": "Does any test number reach the tuning?",
    "task": {"name": "mixture", "n": 100},
    "model": {"name": "mlp", "hidden": [4]},
    "training": {"epochs": 9, "batch_size": "all", "optimizer": "momentum"},
    "search": {"learning_rate": {"log": [1e-2, 3.0]}, "weight_decay": {"log": [1e-4, 1.0]}},
    "arms": {
        "penalised": {"decay_biases": True},
        "validated": {"decay_biases": {"choice": [True, False]}},
    },
    "tune": {
        "trials": 8,
        "generation": 4,
        "searches": 2,
        "sampler": "tpe",
        "pruner": {"name": "successive_halving", "factor": 2},
        "pick": {"best": 3, "seeds": 2},
    },
    "confirm": {"seeds": 6},
    "resample": {"split": "fixed"},
    "compare": {"baseline": "penalised"},
    "resources": {"pack_width": 8},
}


def wrong_labels(test: Split) -> Split:
    """Every test example of the other class, so that the best net is the worst."""
    return test._replace(labels=1 - test.labels)


def far_inputs(test: Split) -> Split:
    """Test inputs far from everything, all alike."""
    return test._replace(inputs=np.full_like(test.inputs, 1e6))


@dataclass(frozen=True)
class Poisoned:
    """A task whose test part, in its own split and in every other, is not what the study was read from."""

    task: Any
    poison: Callable[[Split], Split]

    def load(self) -> Data:
        data = self.task.load()
        return replace(data, test=self.poison(data.test))

    def draw(self, pool: Split, own: Parts, seed: int) -> Parts:
        parts = self.task.draw(pool, own, seed)
        # where the test part stays it is poisoned already
        return parts if parts.test is own.test else parts._replace(test=Part.whole(self.poison(parts.test.split())))


def run_poisoned(study, home, poison):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(slalom_worker.lane.packs, "open_task", lambda *given: Poisoned(open_task(*given), poison))
        database(home)
        # without the digests, by which lanes would refuse such data
        return slalom.run(replace(study, digests={}), home, lanes=local_lanes)


def tuned(result):
    """All that tuning and picking have proposed and found, and what was chosen by them."""
    rows = [row for row in result.export() if row["phase"] != Phase.CONFIRM]
    return rows, {arm.name: (arm.chosen, arm.tuning) for arm in result.arms}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    study = slalom.Study(**STUDY)
    home = tmp_path_factory.mktemp("clean")
    database(home)
    return slalom.run(study, home, lanes=local_lanes)


@pytest.fixture(scope="module", params=[wrong_labels, far_inputs])
def poisoned(clean, tmp_path_factory, request):
    return run_poisoned(clean.spec, tmp_path_factory.mktemp("poisoned"), request.param)


def test_other_test_data_change_nothing_in_the_tuning(clean, poisoned):
    assert poisoned.spec.fingerprint == clean.spec.fingerprint
    assert tuned(poisoned) == tuned(clean)
    rows, _ = tuned(clean)
    assert {row["outcome"] for row in rows} >= {Outcome.COMPLETE, Outcome.PRUNED}
    assert {row["params"]["decay_biases"] for row in rows if row["arm"] == "validated"} == {True, False}
    assert not any("test" in name for row in rows for name in row["metrics"])


def test_the_poison_shows_where_test_data_are_looked_at(clean, poisoned):
    for arm, whole in zip(poisoned.arms, clean.arms, strict=True):
        assert arm.confirm.values != whole.confirm.values
