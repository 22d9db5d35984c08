"""A study, read and checked: frozen values that the rest of the control plane works from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slalom.errors import InputError, nearest, quoted
from slalom.study.nets import Nets
from slalom.study.yaml import read_yaml
from slalom.wire.seeds import split_seed
from slalom.wire.trial import PROGRAM, Work

if TYPE_CHECKING:
    from slalom.study.ranges import Distribution
    from slalom.wire.checkpoints import Checkpoints
    from slalom.wire.trial import Settings

Goal = Literal["minimize", "maximize"]


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise InputError(f"{name} must be at least 1, got {value}")


@dataclass(frozen=True)
class Metric:
    """What the arms are judged by: a metric's name within a split ("error", "loss") and its better direction.

    worst: the worst value that there can be, or None
    target: the training error to which passes are counted, or None where another metric decides
    """

    name: str
    goal: Goal
    worst: float | None = None
    target: float | None = None

    def better(self, one: float, other: float) -> bool:
        """Whether `one` is strictly better than `other`."""
        return one < other if self.goal == "minimize" else one > other

    def on(self, part: str) -> str:
        """The metric in messages: "test error"; with a target "passes to training error 0.25", without `part`."""
        return f"{part} {self.name}" if self.target is None else f"{self.name} to training error {self.target:g}"


@dataclass(frozen=True)
class Arm:
    """One way of training.

    settings: resolved and complete, as in TrialSpec.settings, with a Distribution where a value is searched
    space: the same Distributions by dotted name ("momentum.start"), in the order of their names
    stream: part of what its trials' seeds are derived from; all arms of a study file share one, so that they are paired
    """

    name: str
    settings: Settings
    space: Mapping[str, Distribution]
    stream: str = ""

    @property
    def nets(self) -> int:
        """How many nets each of its trials trains: one, or an ensemble's members."""
        ensemble = self.settings.get("ensemble")
        return int(ensemble.get("members", 1)) if isinstance(ensemble, Mapping) else 1

    @property
    def searches_program(self) -> bool:
        """Whether the arm searches a setting that shapes the program, so that its trials have several programs."""
        return any(name.split(".")[0] in (*PROGRAM, "task") for name in self.space)


@dataclass(frozen=True)
class Searches:
    """How often every arm is searched: `at_least` times, then until the study is decided, `at_most` times in all."""

    at_least: int = 10
    at_most: int = 10

    def __post_init__(self) -> None:
        _check_count("at_least", self.at_least)
        if self.at_least > self.at_most:
            raise InputError(f"at_least must be at most at_most={self.at_most}, got {self.at_least}")

    @property
    def stages(self) -> tuple[int, ...]:
        """The numbers of searches after which the study is looked at: at_least, twice as many, ..., at_most."""
        found = [self.at_least]
        while found[-1] < self.at_most:
            found.append(min(2 * found[-1], self.at_most))
        return tuple(found)


@dataclass(frozen=True)
class Pick:
    """The best `best` trials of a search are trained again from `seeds` fresh seeds; the best mean is the choice.

    With `best` 1 the search's best trial is the choice at once.
    """

    best: int = 1
    seeds: int = 1

    def __post_init__(self) -> None:
        _check_count("best", self.best)
        _check_count("seeds", self.seeds)

    @property
    def trials(self) -> int:
        """The most trials that the pick of a search trains."""
        return self.best * self.seeds if self.best > 1 else 0


@dataclass(frozen=True)
class Tune:
    """How every arm is tuned: each search has exactly `trials` trials, proposed `generation` at a time, and its pick.

    pruner: "successive_halving" keeps the best 1/factor of a generation at each rung, "none" keeps all
    """

    trials: int
    sampler: str = "tpe"
    pruner: str = "successive_halving"
    factor: int = 3
    generation: int = 8
    searches: Searches = field(default_factory=lambda: Searches(1, 1))
    pick: Pick = field(default_factory=Pick)


@dataclass(frozen=True)
class Compare:
    """How the verdict is reached: against which arm, at which level of error over all comparisons.

    margin: a difference of the metric up to which two arms count as equivalent, or None where the study names none
    """

    baseline: str
    alpha: float = 0.05
    margin: float | None = None


@dataclass(frozen=True)
class Resources:
    """What the lanes take; no number depends on it.

    lanes: how many at most, or None for as many as the cluster holds
    device: "cpu", "gpu", or "auto" for GPUs where the cluster has any
    gpus_per_lane: share of a GPU that each lane owns, where it trains on one, or None for what its memory needs
    pack_width: slots of a pack, or None to let the lane choose
    nodes: name of a custom resource, or of a type of accelerator, that a lane's node offers; "any", or "auto" for any
        where all GPUs are of one type
    priority: among the studies of a cluster, the highest first
    cpus_per_lane: cores that each lane owns, beside a GPU too, or None for one
    trial_timeout: seconds after which a lane without progress is given up, or None for a time that follows from how
        long steps take
    outage_limit: seconds for which the storage or MLflow may not answer
    """

    lanes: int | None = None
    device: str = "auto"
    gpus_per_lane: float | None = 1.0
    pack_width: int | None = None
    nodes: str = "auto"
    priority: int = 0
    cpus_per_lane: float | None = None
    trial_timeout: float | None = None
    outage_limit: float = 900.0


@dataclass(frozen=True)
class StudySpec:
    """A study, read and checked: one question.

    task, precision: as in Work
    epochs, report_every: of a whole trial, as in TrialSpec
    confirm_seeds: confirm trials of each search's choice
    seed: what all random numbers come from; another one makes an honest replicate of the study
    resampled: whether every search has a split of its own, the same in all arms
    loads_splits: whether the task loads each of its splits by itself
    data_digest: of the task's data, 64 hexadecimal digits
    digests: of the data of each task that was loaded when the study was read, by `task_key`
    folder: where the study's relative paths start
    code: the user's own Python files, relative to the folder: those that the study names, and the modules that these
        import from there. Where there are any the folder travels to the nodes
    facts: what is known about the task, such as {"bayes_error": 0.2101}
    notes: what was done to the task's data, for people to read
    record, metrics: what trials report of each layer beside the metrics, and which further metrics, as in TrialSpec
    fingerprint: 64 hexadecimal digits; results of different fingerprints are never mixed
    identity: the plain values that the fingerprint is a hash of
    text: the study file as it was read, for the records
    about: "heuristic", "claim" and "source" of what is tested, where the study says so
    own_training: trials are trained by a function of the user's, whose parameters are the arms' settings
    checkpoint_every: epochs between two checkpoints of a trial, or None where none are kept
    checkpoints: where the checkpoints lie, or None before the study's home is known
    nets: how large the trials' nets are, which follows from the other fields
    commit: of the folder that a submitted study was sent from, as `work_tree.commit_of` gives it
    """

    name: str
    question: str
    task: Settings
    precision: str
    epochs: int
    report_every: int
    metric: Metric
    arms: tuple[Arm, ...]
    tune: Tune
    confirm_seeds: int
    compare: Compare
    resources: Resources
    fingerprint: str
    data_digest: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    identity: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    folder: Path = Path()
    code: tuple[Path, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    text: str = ""
    about: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    record: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    seed: int = 0
    resampled: bool = False
    loads_splits: bool = False
    own_training: bool = False
    checkpoint_every: int | None = None
    checkpoints: Checkpoints | None = field(default=None, compare=False)
    nets: Nets = field(default_factory=Nets, compare=False, repr=False)
    commit: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise InputError(f"arms' names must differ, got {', '.join(names)}")
        if self.compare.baseline not in names:
            raise InputError(
                f"baseline {quoted(self.compare.baseline)} must be an arm{nearest(self.compare.baseline, names)}"
            )
        for name in ("epochs", "report_every", "confirm_seeds"):
            _check_count(name, getattr(self, name))
        if self.report_every > self.epochs:
            raise InputError(f"report_every must be at most epochs={self.epochs}, got {self.report_every}")

    @property
    def program(self) -> tuple[str, ...]:
        """The names of those of an arm's settings that shape the program, and so are a part of `Work`."""
        return () if self.own_training else (*PROGRAM, "task")

    @cached_property
    def _programs(self) -> Mapping[str, Work | None]:
        """By arm, the program that all its trials share; None for an arm that searches what shapes the program."""
        return {arm.name: None if arm.searches_program else self._work(arm.settings) for arm in self.arms}

    def work(self, arm: str, settings: Settings, search: int) -> Work:
        """The `Work` of a trial in a search of the arm, given the trial's resolved settings."""
        work = self._programs[arm] or self._work(settings)
        return replace(work, split=search) if self.resampled and self.loads_splits else work

    def _work(self, settings: Settings) -> Work:
        if self.own_training:
            return Work(self.task, {}, None, loss={})
        options = {name: value for name, value in settings.get("task", {}).items() if name != "name"}
        task = {**self.task, **options}
        return Work(task, precision=self.precision, **{name: settings[name] for name in PROGRAM})

    def split(self, search: int) -> int | None:
        """The seed by which the examples are split in a search; None where the split is the task's own."""
        return split_seed(self.seed, search) if self.resampled and not self.loads_splits else None

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The study as it was written: the keys of a study file, their values as JSON has them, lists as tuples."""
        document: Mapping[str, Any] = read_yaml(self.text, self.name).plain()
        return document

    def with_resources(self, **changes: Any) -> StudySpec:
        """The same study on other resources: same fingerprint, same numbers."""
        return replace(self, resources=replace(self.resources, **changes))
