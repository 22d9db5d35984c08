"""Studies without training: numbers by hashing, workers that count epochs, and what breaks a run off."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from pathlib import Path

import optuna
from optuna.storages import InMemoryStorage

from slalom.lanes.in_process import InProcessLanes
from slalom.loop.run import run
from slalom.records import InMemoryRecorder
from slalom.report.export import export
from slalom.search.on_optuna import OptunaStore, Proposals
from slalom.search.on_optuna.rows import Kept
from slalom.study.model import Arm, Compare, Metric, Pick, Resources, Searches, StudySpec, Tune
from slalom.study.ranges import Choices, IntRange, Range
from slalom.wire.seeds import derive
from slalom.wire.trial import Effort, Outcome, Phase, Reply, Report, TrialId, TrialResult, Work
from tests.loop.scattered import ElasticLanes, ScatteredLanes
from tests.support.programs import program

WORK = Work({"name": "digits"}, {"name": "mlp", "hidden": (8,), "activation": "tanh", "bias": True}, 32)
RATE = {"learning_rate": Range(1e-3, 1.0, log=True)}
MIXED = RATE | {"layers": IntRange(1, 4), "optimizer": Choices(("sgd", "adam")), "size": Choices((16, 2.5, True))}
COUNTED = {"layers": IntRange(1, 3), "optimizer": Choices(("sgd", "adam"))}
SEEDS = 6


def study(
    arms=("constant", "rising"), space=RATE, epochs=9, report_every=1, goal="minimize", seed=0, resampled=True,
    seeds=SEEDS, margin=None, **tune,
):  # fmt: skip
    """A study of small budgets; `space` is every arm's, or a mapping from arms to theirs.

    seed: another one is another study, of other draws
    tune: `searches` a number, or (at_least, at_most); `pick` (best, seeds)
    """
    spaces = {name: space.get(name, space) for name in arms}
    searches, pick = tune.pop("searches", 1), tune.pop("pick", (1, 1))
    at_least, at_most = searches if isinstance(searches, tuple) else (searches, searches)
    return StudySpec(
        name="momentum",
        question="Does a rising momentum help?",
        task=WORK.task,
        precision=WORK.precision,
        epochs=epochs,
        report_every=report_every,
        metric=Metric("error", goal, 1.0) if goal == "minimize" else Metric("accuracy", goal, 0.0),
        arms=tuple(
            Arm(name, {**program(WORK), "weight_decay": 0.0, **spaces[name]}, dict(sorted(spaces[name].items())))
            for name in arms
        ),
        tune=Tune(**{"trials": 16, **tune}, searches=Searches(at_least, at_most), pick=Pick(*pick)),
        confirm_seeds=seeds,
        compare=Compare(arms[0], margin=margin),
        resources=Resources(),
        fingerprint=hashlib.sha256(f"study {seed}".encode()).hexdigest(),
        seed=seed,
        resampled=resampled,
    )


def never(trial):
    """No epoch."""


@dataclass(frozen=True)
class Nature:
    """What training finds: a function of a trial's parameters, seeds and epoch alone.

    diverges, raises: the epoch in which a trial does so, or None
    test: a factor of test metrics, which tuning trials here report too
    """

    diverges: object = never
    raises: object = never
    test: float = 1.0

    def metrics(self, trial, epoch):
        words = [f"{name}={value!r}" for name, value in sorted(trial.params.items())]
        luck = derive(trial.seeds.weights, epoch, *words) / 2**63
        far = abs(math.log10(trial.params.get("learning_rate", 0.1)) + 1)
        error = (0.2 + 0.1 * far + 0.05 * luck) * (1 + 1 / epoch) / 2
        found = {"train.loss": 2 * error, "validation.error": error, "validation.accuracy": 1 - error}
        test = error + luck / 99
        return found | {"test.error": self.test * test, "test.accuracy": self.test * (1 - test)}


class FakeWorker:
    """Keeps to what a lane's worker promises; a turn trains every seated trial for one epoch, or `stride`."""

    def __init__(self, nature, slots=4, stride=1, device="made up"):
        self.nature, self.slots, self.stride, self.device_name = nature, slots, stride, device
        self.waiting, self.seated, self.parked = deque(), {}, {}
        self.trained = []

    def turn(self, turn):
        for trial in turn.drops:
            self.parked.pop(trial, None)
        self.waiting.extend(turn.orders)
        reports, results, effort = [], [], Effort()
        for _ in range(self.stride):
            while self.waiting and len(self.seated) < self.slots:
                order = self.waiting.popleft()
                self.seated[order.trial.id] = [order, self.parked.pop(order.trial.id, 0)]
            effort += Effort(len(self.seated), max(self.slots, len(self.seated)) if self.seated else 0)
            for seat in list(self.seated.values()):
                self._epoch(seat, reports, results)
        return Reply(tuple(reports), tuple(results), effort, self.slots)

    def _epoch(self, seat, reports, results):
        seat[1] += 1
        (order, epoch), trial = seat, seat[0].trial
        self.trained.append((trial.id, trial.attempt, epoch))
        if epoch == self.nature.raises(trial):
            raise ZeroDivisionError(f"{trial.id} in epoch {epoch}")
        if epoch == self.nature.diverges(trial):
            del self.seated[trial.id]
            results.append(TrialResult(trial.id, trial.attempt, Outcome.DIVERGED, epoch, {}, device=self.device_name))
            return
        metrics = self.nature.metrics(trial, epoch)
        if epoch % trial.report_every == 0 or epoch == trial.epochs:
            reports.append(Report(trial.id, trial.attempt, epoch, metrics))
        if epoch == trial.epochs:
            del self.seated[trial.id]
            weights = (repr(trial.seeds).encode(),) if order.keep_weights else ()
            done = TrialResult(trial.id, trial.attempt, Outcome.COMPLETE, epoch, metrics, weights=weights)
            results.append(replace(done, device=self.device_name))
        elif epoch == order.until:
            del self.seated[trial.id]
            self.parked[trial.id] = epoch


@dataclass
class Wire:
    """Trips at the `at`-th call through it, before or after the call takes place; `dead`: at every later one too."""

    at: int
    error: BaseException = field(default_factory=lambda: OSError("the machine is gone"))
    after: bool = False
    dead: bool = False
    calls: int = 0

    def through(self, part):
        return _Wired(part, self)

    def call(self, method, arguments):
        self.calls += 1
        trips = self.calls == self.at or (self.dead and self.calls > self.at)
        if trips and not self.after:
            raise self.error
        answer = method(*arguments)
        if trips:
            raise self.error
        return answer


class _Wired:
    def __init__(self, part, wire):
        self._part, self._wire = part, wire

    def __getattr__(self, name):
        found = getattr(self._part, name)
        return (lambda *arguments: self._wire.call(found, arguments)) if callable(found) else found


class MemoryStore(OptunaStore):
    """The store over Optuna's storage in memory, which outlives it: for what takes many runs."""

    def __init__(self, spec, storage=None):
        self.storage = storage or InMemoryStorage()
        self._noted = vars(self.storage).setdefault("noted", {}).setdefault(spec.fingerprint, {})
        super().__init__("memory", spec, "memory")

    def note(self, name, value):
        self._noted[name] = json.dumps(value)

    def notes(self):
        return {name: json.loads(value) for name, value in self._noted.items()}

    def _open(self, url):
        return self.storage

    def _held(self):
        return {}

    def _insert(self, trials, keys):
        for study, trial in trials:
            study.add_trial(trial)

    def _kept(self, studies):
        for study in studies:
            for trial in study.get_trials(deepcopy=False):
                yield Kept(study._study_id, trial.user_attrs, trial.params)


def sqlite_url(folder):
    """A database with Optuna's tables and no rows; making them takes a second, so it is done once."""
    if not (folder / "optuna.db").exists():
        (folder / "optuna.db").write_bytes(_empty_tables())
    return f"sqlite:///{folder}/optuna.db"


def sqlite_store(folder, spec):
    return OptunaStore(sqlite_url(folder), spec, "sqlite")


@cache
def _empty_tables():
    with tempfile.TemporaryDirectory() as folder:
        OptunaStore(f"sqlite:///{folder}/optuna.db", study(), "sqlite")._storage.engine.dispose()
        return Path(folder, "optuna.db").read_bytes()


def ticking(start=0.0):
    """A clock by which every look takes a second."""
    ticks = count(start)
    return lambda: float(next(ticks))


def one_lane(nature=Nature(), **options):
    return InProcessLanes(lambda: FakeWorker(nature, **options))


def scattered(seed=0, lanes=8, nature=Nature(), *, slots=4, stride=1, **options):
    return ScatteredLanes(lambda: FakeWorker(nature, slots, stride), lanes, seed, **options)


def elastic(seed=0, lanes=4, nature=Nature(), *, slots=4, stride=1, **options):
    return ElasticLanes(lambda: FakeWorker(nature, slots, stride), lanes, seed, **options)


def train(spec, store=None, lanes=None, recorder=None, wire=None, propose=Proposals, clock=None, watch=lambda _: None):
    """Run a study, or what is left of it; gives the store."""
    store = store or MemoryStore(spec)
    parts = [store, lanes or one_lane(), recorder or InMemoryRecorder()]
    run(spec, *(map(wire.through, parts) if wire else parts), propose, watch, clock or ticking())
    return store


def exported(spec, store):
    """What is said of every trial, but for how often it was tried."""
    rows = export(spec, store.ended())
    for row in rows:
        del row["attempt"]
    return rows


def written(spec, store):
    """How often each trial lies in the storage."""
    times = {}
    for ended in store._read():
        times[ended.spec.id] = times.get(ended.spec.id, 0) + 1
    return times


def budget(spec, searches=None):
    """What must lie in the storage in the end, where every search has enough to pick among: each trial once.

    searches: how many each arm has, by arm; as many as it has at least where it is not given
    """
    found = searches or dict.fromkeys((arm.name for arm in spec.arms), spec.tune.searches.at_least)
    sizes = {Phase.TUNE: spec.tune.trials, Phase.PICK: spec.tune.pick.trials, Phase.CONFIRM: spec.confirm_seeds}
    return {
        TrialId(arm, phase, number, search): 1
        for arm, count in found.items()
        for search in range(count)
        for phase, size in sizes.items()
        for number in range(size)
    }


def expected(spec, ended, searches=None):
    """The budget, given what the tuning trials came to: a search picks among those that completed, or has no choice."""
    kept = {}
    for trial in budget(spec, searches):
        different = completed(spec, ended, trial.arm, trial.search)
        contenders = min(spec.tune.pick.best, len(different))
        picked = contenders * spec.tune.pick.seeds if contenders > 1 else 0
        if trial.phase is Phase.TUNE or (trial.number < picked if trial.phase is Phase.PICK else different):
            kept[trial] = 1
    return kept


def completed(spec, ended, arm, search):
    """The different hyperparameters of a search's tuning trials that completed."""
    trials = [ended[TrialId(arm, Phase.TUNE, number, search)] for number in range(spec.tune.trials)]
    return {tuple(sorted(one.spec.params.items())) for one in trials if one.result.outcome is Outcome.COMPLETE}


def rows_in_database(url):
    """Trials of each arm, search and phase, whatever state they are in, as Optuna's own tools see them."""
    rows = Counter()
    for name in optuna.get_all_study_names(url):
        for trial in optuna.load_study(study_name=name, storage=url).get_trials(deepcopy=False):
            rows[name.split("/", 2)[2], trial.user_attrs["search"], trial.user_attrs["phase"]] += 1
    return dict(rows)
