"""What TPE is shown of many trials: the last ones, and the best of those before."""

import random

import pytest
from optuna.samplers._tpe.sampler import _split_trials, default_gamma

from slalom.plan import trial_spec
from slalom.suggest import Proposals
from slalom.suggest.proposals import BEST, RECENT
from slalom.trial import Ended, Outcome, Phase, Report, TrialId, TrialResult
from tests.loop.worlds import MIXED, study

MOST = BEST + RECENT
OUTCOMES = (Outcome.COMPLETE, Outcome.PRUNED, Outcome.PRUNED, Outcome.DIVERGED, Outcome.FAILED)


def trials(spec, count, seed=0):
    """Trials of all outcomes and a few equal values, as an arm's first ones."""
    chance, arm = random.Random(seed), spec.arms[0].name
    return [_trial(spec, TrialId(arm, Phase.TUNE, number), chance) for number in range(count)]


def _trial(spec, trial, chance):
    params = {
        "learning_rate": 10 ** chance.uniform(-3, 0),
        "layers": chance.randint(1, 4),
        "optimizer": chance.choice(("sgd", "adam")),
        "size": chance.choice((16, 2.5, True)),
    }
    outcome, epochs = chance.choice(OUTCOMES), chance.choice((1, 3))
    metrics = {f"validation.{spec.metric.name}": chance.choice((0.5, chance.random()))}
    history = tuple(Report(trial, 0, epoch + 1, metrics) for epoch in range(epochs))
    return Ended(trial_spec(spec, trial, params), TrialResult(trial, 0, outcome, epochs, metrics, history))


class Listening(Proposals):
    """Keeps the trials that the last study of a generation held when its first proposal was asked."""

    def _ask(self, study, number):
        self.seen = study.get_trials(deepcopy=False)[: len(self._shown)]
        self.study = study
        return super()._ask(study, number)


def asked(spec, parts, kind=Listening):
    """Proposals that were told of these trials, part by part."""
    propose = kind(spec, spec.arms[0])
    for part in parts:
        propose.given = propose(part, 1)
    return propose


def rates(seen):
    return [trial.params["learning_rate"] for trial in seen]


def test_so_many_trials_are_all_shown():
    spec = study(space=MIXED)
    known = trials(spec, MOST)
    assert rates(asked(spec, [known]).seen) == [ended.spec.params["learning_rate"] for ended in known]


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("count", [MOST + 1, 3 * MOST])
def test_of_more_the_last_are_shown_and_the_best_before(goal, count):
    """Those that TPE takes for good are the same as if it saw them all, and so many at most."""
    spec = study(space=MIXED, goal=goal)
    known = trials(spec, count)
    shown = asked(spec, [known])
    assert len(shown.seen) == MOST
    assert rates(shown.seen[BEST:]) == [ended.spec.params["learning_rate"] for ended in known[-RECENT:]]
    whole = Listening(spec, spec.arms[0])
    whole._shown = [shown_trial for part in (known[:MOST], known[MOST:]) for shown_trial in _frozen(spec, part)]
    whole([], 1)
    assert rates(_good(shown)) == rates(_good(whole))
    assert len(_good(whole)) == 25


def _frozen(spec, part):
    from slalom.suggest.translate import frozen

    return [frozen(ended, spec, with_result=False) for ended in part]


def _good(proposals):
    finished = [trial for trial in proposals.seen if trial.state.name != "FAIL"]
    return _split_trials(proposals.study, finished, default_gamma(len(finished)))[0]


@pytest.mark.parametrize("size", [8, 700])
def test_told_at_once_or_in_parts_they_are_the_same(size):
    """A run that goes on where another stopped is told at once what that one was told bit by bit."""
    spec = study(space=MIXED)
    known = trials(spec, 2 * MOST + 5, seed=1)
    parts = [known[start : start + size] for start in range(0, len(known), size)]
    one, other = asked(spec, [known]), Listening(spec, spec.arms[0])
    for part in parts[:-1]:
        other._number += len(part)
        other._show(part)
    given = other(parts[-1], 1)
    assert rates(one.seen) == rates(other.seen)
    assert one.given == given
