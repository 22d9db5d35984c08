"""Invariant 2: one lane or eight, killed and resumed or not: the same proposals, the same results."""

import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from slalom.errors import Interrupted
from slalom.search.halving import generations
from slalom.search.on_optuna import Proposals
from slalom.wire.trial import Outcome, Phase, TrialId
from tests.loop.worlds import (
    COUNTED,
    MIXED,
    MemoryStore,
    Nature,
    Wire,
    elastic,
    exported,
    one_lane,
    scattered,
    sqlite_store,
    study,
    train,
)
from tests.support.tiers import few

STUDIES = {
    "tpe": study(space=MIXED, trials=24),
    "random": study(space=MIXED, sampler="random"),
    "qmc": study(space=MIXED, sampler="qmc", factor=2),
    "grid": study(space=COUNTED, sampler="grid", report_every=2),
    "a whole last generation and a bit": study(trials=19, goal="maximize"),
    "nothing searched in one arm": study(space={"constant": {}, "rising": MIXED}, pruner="none"),
    "searches": study(space=MIXED, trials=12, generation=4, factor=2, searches=3, pick=(3, 2), seeds=2),
    "searches that look at no result": study(
        sampler="random", trials=10, generation=4, factor=2, searches=4, pick=(2, 3), seeds=2
    ),
}
NATURE = Nature(diverges=lambda trial: 4 if trial.params.get("learning_rate", 0) > 0.5 else None)


def asking(asked):
    """Proposals that keep what was asked, by arm, search and number.

    A search is told of its own trials alone, of each once, and if its sampler is TPE of all and in order.
    """

    def propose(spec, arm, search):
        ask, told = Proposals(spec, arm, search), []

        def listen(new, numbers):
            assert {(ended.spec.id.arm, ended.spec.id.search) for ended in new} <= {(arm.name, search)}
            told.extend(ended.spec.id.number for ended in new)
            assert len(set(told)) == len(told)
            assert spec.tune.sampler != "tpe" or told == list(range(numbers.start))
            given = ask(new, numbers)
            asked.update({(arm.name, search, number): params for number, params in zip(numbers, given, strict=True)})
            return given

        return listen

    return propose


@pytest.fixture(scope="module", params=STUDIES)
def whole(request):
    """A study, its trials, and its proposals, trained in one lane without a break."""
    spec, asked = STUDIES[request.param], {}
    return spec, exported(spec, train(spec, lanes=one_lane(NATURE), propose=asking(asked))), asked


@pytest.mark.parametrize("seed", few(range(2)))
def test_eight_lanes_find_what_one_finds(whole, seed):
    spec, rows, proposals = whole
    asked = {}
    lanes = scattered(seed, 8, NATURE, slots=1 + seed, stride=1 + 2 * seed)
    assert exported(spec, train(spec, lanes=lanes, propose=asking(asked))) == rows
    assert asked == proposals


@pytest.mark.parametrize("seed", few(range(3)))
def test_lanes_that_die_change_nothing(whole, seed):
    spec, rows, proposals = whole
    asked = {}
    lanes = scattered(seed, 1 + 2 * seed, NATURE, deaths=12, echoes=True)
    assert exported(spec, train(spec, lanes=lanes, propose=asking(asked))) == rows
    assert lanes.died > 3
    assert asked == proposals


@pytest.mark.parametrize("seed", few([1, 2]))
def test_lanes_that_come_and_go_change_nothing(whole, seed):
    spec, rows, proposals = whole
    asked = {}
    lanes = elastic(seed, 4, NATURE, slots=2, deaths=4)
    assert exported(spec, train(spec, lanes=lanes, propose=asking(asked))) == rows
    assert lanes.released > 3
    assert asked == proposals


@pytest.mark.parametrize("seed", few(range(4)))
def test_a_run_that_was_cut_off_goes_on_to_the_same_end(whole, seed):
    spec, rows, proposals = whole
    chance, asked = random.Random(seed), {}
    store = MemoryStore(spec)
    for _ in range(3):
        error = chance.choice((OSError("the machine is gone"), KeyboardInterrupt()))
        wire = Wire(chance.randint(1, 80), error, after=chance.random() < 0.5, dead=chance.random() < 0.5)
        with pytest.raises((OSError, KeyboardInterrupt, Interrupted)):
            train(spec, store, scattered(chance.random(), 3, NATURE, deaths=4), wire=wire)
        store = MemoryStore(spec, store.storage)
    assert exported(spec, train(spec, store, scattered(seed, 5, NATURE), propose=asking(asked))) == rows
    assert asked.items() <= proposals.items()


def test_what_an_earlier_run_finished_is_not_asked_again(whole):
    """Only generations of which a trial is missing are, so of an arm whose tuning is over nothing."""
    spec, rows, proposals = whole
    asked = {}
    store, open_numbers = next(cut for cut in _cut_off(spec) if _is_within_a_search(spec, cut[1]))
    assert exported(spec, train(spec, store, one_lane(NATURE), propose=asking(asked))) == rows
    assert asked == {trial: params for trial, params in proposals.items() if trial[2] in open_numbers[trial[:2]]}


def _cut_off(spec):
    """Stores of runs that were cut off later and later, and the numbers that are to be asked for again, by search."""
    for at in itertools.count(100, 20):
        store = MemoryStore(spec)
        with pytest.raises(OSError, match="gone"):
            train(spec, store, scattered(1, 2, NATURE), wire=Wire(at, dead=True))
        known, searches = store.ended(), range(spec.tune.searches.at_most)
        yield store, {(arm.name, one): _not_whole(spec, arm.name, one, known) for arm in spec.arms for one in searches}


def _is_within_a_search(spec, open_numbers):
    return any(numbers < set(range(spec.tune.trials)) for numbers in open_numbers.values())


def _not_whole(spec, arm, search, known):
    """The trials of the generations of which not all ended."""
    return {
        number
        for numbers in generations(spec.tune)
        if any(TrialId(arm, Phase.TUNE, number, search) not in known for number in numbers)
        for number in numbers
    }


def test_a_trial_that_always_raises_changes_no_other(whole):
    """Whoever trains beside it, before or after a rung, in one run or two."""
    spec = whole[0]

    def raises(trial):
        luck = random.Random(trial.seeds.weights)
        return luck.randint(1, spec.epochs) if luck.random() < 0.15 else None

    nature = Nature(raises=raises)

    def found(store):
        return [{name: value for name, value in row.items() if name != "error"} for row in exported(spec, store)]

    alone = found(train(spec, lanes=one_lane(nature, slots=1)))
    assert {row["outcome"] for row in alone} >= {"failed", "complete"}
    for seed, lanes in enumerate((1, 8)):
        assert found(train(spec, lanes=scattered(seed, lanes, nature, stride=1 + seed))) == alone
    for at in (60, 150):
        store = MemoryStore(spec)
        with pytest.raises(OSError, match="gone"):
            train(spec, store, scattered(1, 3, nature), wire=Wire(at, dead=True))
        assert found(train(spec, store, scattered(2, 2, nature))) == alone


@pytest.mark.parametrize("stride", [1, 2, 9])
def test_a_failed_trial_is_known_up_to_the_rung_that_it_passed(stride):
    """Whether later reports arrive before the lane dies is chance: they are no part of the result."""
    spec, bad = study(trials=8), TrialId("rising", Phase.TUNE, 0)
    nature = Nature(
        raises=lambda trial: 3 if trial.id == bad else None,
        diverges=lambda trial: 1 if trial.id.arm == "rising" and trial.id != bad else None,
    )
    result = train(spec, lanes=scattered(1, 2, nature, stride=stride)).ended()[bad].result
    assert (result.outcome, result.epochs) == (Outcome.FAILED, 1)
    assert [report.epoch for report in result.history] == [1]
    unpruned = study(trials=8, pruner="none")
    result = train(unpruned, lanes=scattered(1, 2, nature, stride=stride)).ended()[bad].result
    assert (result.outcome, result.epochs, result.history) == (Outcome.FAILED, 0, ())


def test_a_trial_that_failed_after_a_rung_still_counts_there_in_a_resumed_run():
    """Of four that pass the first rung two pass the second, whether or not the one that fails was known to."""
    spec = study(trials=12, generation=12)
    nature = Nature(
        raises=lambda trial: 2 if trial.id == ("rising", "tune", 0, 0) else None,
        diverges=lambda trial: 1 if trial.id.number > 3 and trial.id.phase is Phase.TUNE else None,
    )
    whole = train(spec, lanes=one_lane(nature))
    store = MemoryStore(spec)
    store.add([ended for ended in whole.ended().values() if ended.result.epochs < 3])
    assert store.ended()[TrialId("rising", Phase.TUNE, 0)].result.outcome is Outcome.FAILED
    train(spec, store, one_lane(nature))
    assert exported(spec, store) == exported(spec, whole)


def test_a_storage_on_disk_gives_back_what_memory_gives(tmp_path):
    spec = study(space=MIXED, trials=8)
    with pytest.raises(OSError, match="gone"):
        train(spec, sqlite_store(tmp_path, spec), scattered(1, nature=NATURE), wire=Wire(45, dead=True))
    found = exported(spec, train(spec, sqlite_store(tmp_path, spec), scattered(2, nature=NATURE)))
    assert json.dumps(found) == json.dumps(exported(spec, train(spec, lanes=one_lane(NATURE))))


def test_another_process_proposes_the_same():
    """Python's hashes differ from process to process; the proposals must not."""
    spec = STUDIES["tpe"]
    asked = {}
    train(spec, lanes=one_lane(NATURE), propose=asking(asked))
    program = (
        "from tests.loop.test_reproducible import NATURE, STUDIES, asking\n"
        "from tests.loop.worlds import one_lane, train\n"
        "asked = {}\n"
        "train(STUDIES['tpe'], lanes=one_lane(NATURE), propose=asking(asked))\n"
        "print(asked)"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == str(asked)
