"""What TPE is shown of many trials: the last ones, and the best of those before."""

import random

import optuna
import pytest
from optuna.samplers import TPESampler
from optuna.samplers._tpe.sampler import _split_trials, default_gamma

from slalom.search.on_optuna import Proposals
from slalom.search.on_optuna.proposals import BEST, RECENT
from slalom.search.on_optuna.translate import distributions, shown
from slalom.study.trials import trial_spec
from slalom.wire.seeds import derive
from slalom.wire.trial import Ended, Outcome, Phase, Report, TrialId, TrialResult
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
    """Keeps what TPE saw when it was last asked."""

    def _ask(self, study, number):
        self.study, self.seen = study, study.get_trials(deepcopy=False)
        return super()._ask(study, number)


class Boundless(Listening):
    """Shows TPE everything."""

    def _show(self, new):
        for start in range(0, len(new), RECENT):
            kept, self._shown = self._shown, []
            super()._show(new[start : start + RECENT])
            self._shown = kept + self._shown


def asked(spec, known, kind=Listening, size=None):
    """Proposals that were told of these trials, all at once or bit by bit, and what they gave then."""
    propose, size = kind(spec, spec.arms[0], 0), size or len(known)
    for start in range(0, len(known), size):
        told = min(start + size, len(known))
        given = propose(known[start:told], range(told, told + 1))
    return propose, given


def rates(seen):
    return [trial.params["learning_rate"] for trial in seen]


def tried(known):
    return [ended.spec.params["learning_rate"] for ended in known]


def good(propose):
    """What TPE takes for good of what it saw."""
    finished = [trial for trial in propose.seen if trial.state.name != "FAIL"]
    return rates(_split_trials(propose.study, finished, default_gamma(len(finished)))[0])


def test_so_many_trials_are_all_shown():
    spec = study(space=MIXED, trials=3 * MOST)
    known = trials(spec, MOST)
    assert rates(asked(spec, known)[0].seen) == tried(known)


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("count", [MOST + 1, 3 * MOST])
def test_of_more_the_last_are_shown_and_the_best_before(goal, count):
    """Those that TPE takes for good are the same as if it saw them all."""
    spec = study(space=MIXED, goal=goal, trials=3 * MOST)
    known = trials(spec, count)
    shown, whole = asked(spec, known)[0], asked(spec, known, Boundless)[0]
    assert len(shown.seen) == MOST
    assert rates(shown.seen[BEST:]) == tried(known[-RECENT:])
    assert rates(whole.seen) == tried(known)
    assert good(shown) == good(whole)
    assert len(good(whole)) == 25


@pytest.mark.parametrize("size", [80, 700])
def test_told_at_once_or_in_parts_they_are_the_same(size):
    """A run that goes on where another stopped is told at once what that one was told bit by bit."""
    spec = study(space=MIXED, trials=3 * MOST)
    known = trials(spec, 2 * MOST + 5, seed=1)
    (one, given), (other, again) = asked(spec, known), asked(spec, known, size=size)
    assert rates(one.seen) == rates(other.seen)
    assert given == again


def test_tpe_proposes_what_it_does_over_optunas_own_study():
    """Which copies the trials, and finds their space out from them."""
    spec = study(space=MIXED, trials=3 * MOST)
    known = trials(spec, 150)
    plain = optuna.create_study(direction="minimize")
    plain.add_trials([shown(ended, spec) for ended in known])
    expected = []
    for number in range(150, 158):
        plain.sampler = TPESampler(seed=derive(spec.seed, "", 0, "proposal", number) % 2**32)
        expected.append(plain.ask(distributions(spec.arms[0])).params)
    assert Proposals(spec, spec.arms[0], 0)(known, range(150, 158)) == expected
