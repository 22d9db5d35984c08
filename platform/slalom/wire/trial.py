"""What crosses the wire between the loop and the lanes: plain frozen values, picklable, without vendors' types."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from slalom.wire.evaluation import WHOLE
from slalom.wire.learned import NOTHING, Learned

if TYPE_CHECKING:
    from slalom.wire.seeds import Seeds

Scalar = float | int | str | bool
Settings = Mapping[str, Any]
Metrics = Mapping[str, float]


PROGRAM = ("model", "batch_size", "drop_last", "loss", "preprocess", "evaluation")
"""The names of those of an arm's settings that shape the program, and so are a part of `Work`."""


def reported(metric: str) -> str:
    """The name under which a metric is reported: for a user's own metric "file.py:name" the name alone."""
    return metric.rpartition(":")[2]


def train(metric: str) -> str:
    """The name under which a trial reports a metric of its training examples, such as "train.loss"."""
    return f"train.{metric}"


def validation(metric: str) -> str:
    """The name under which a trial reports a metric of its validation examples, such as "validation.error"."""
    return f"validation.{metric}"


def test(metric: str) -> str:
    """The name under which a confirm trial reports a metric of its test examples, such as "test.error"."""
    return f"test.{metric}"


class Phase(StrEnum):
    """The phase of a search that a trial belongs to.

    `tune` searches on validation data; `pick` trains the best few of a search again, from more validation seeds;
    `confirm` measures a search's choice on test data.
    """

    TUNE = "tune"
    PICK = "pick"
    CONFIRM = "confirm"


class Outcome(StrEnum):
    """How a trial ended. Diverged: its loss or a metric was not finite. Failed: its attempts raised or were lost."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    FAILED = "failed"


class TrialId(NamedTuple):
    """Identifies a trial within a study: numbers count from 0 in each arm, search and phase."""

    arm: str
    phase: Phase
    number: int
    search: int = 0

    def __str__(self) -> str:
        return f"{self.arm}/{self.search}/{self.phase}/{self.number}"


@dataclass(frozen=True)
class Work:
    """What shapes the program, and so is the same for all trials of a pack.

    task:   {"name": ..., **options}; a user's own is named "file.py:Class"
    model:  {"name": ..., **structure}
    batch_size: examples a step, or None for all of them
    loss:   {"name": ..., **options}
    preprocess: what is done to the inputs, by name
    split: the split's number where the task loads each of its splits by itself, else None
    evaluation: what a net sees of a picture, see slalom.wire.evaluation
    drop_last: whether an epoch leaves out the examples that make no whole batch
    """

    task: Settings
    model: Settings
    batch_size: int | None
    precision: str = "float32"
    loss: Settings = field(default_factory=lambda: {"name": "cross_entropy", "label_smoothing": 0.0})
    preprocess: str = "none"
    split: int | None = None
    drop_last: bool = False
    evaluation: Settings = field(default_factory=lambda: WHOLE)

    @cached_property
    def key(self) -> str:
        """The pack's key: a text that is equal if and only if two trials can share a pack."""
        structures = (_sorted(part) for part in (self.task, self.model, self.loss, self.evaluation))
        return repr((*structures, self.batch_size, self.precision, self.preprocess, self.split, self.drop_last))

    @cached_property
    def digest(self) -> str:
        """A digest of `key` in 16 hexadecimal digits, by which notes name a program."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]


def task_key(task: Settings) -> str:
    """A text that is equal if and only if two tasks have the same name and options."""
    return repr(_sorted(task))


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple((name, _sorted(value[name])) for name in sorted(value))
    return tuple(map(_sorted, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """One training run.

    settings: resolved and complete, but for those in `work`: {"optimizer": "momentum", "learning_rate": 0.1,
        "momentum": {"schedule": "gradient_norm", "start": 0.5, "end": 0.9}, ...}
    params: what the sampler proposed, by dotted name ("momentum.start")
    epochs: passes over the training data when nothing stops the trial
    report_every: epochs between two reports; the last epoch always reports, and every rung is one that does
    record: what reports hold of each layer beside the metrics, "gradient" and "curvature"; no number depends on it
    split: the seed by which the task's examples are split anew, or None for the task's own split
    metrics: names of the metrics beside loss and, for classes, error and accuracy
    target: the training error to which passes are counted, or None where they are not
    """

    id: TrialId
    attempt: int
    seeds: Seeds
    work: Work
    settings: Settings
    params: Mapping[str, Scalar]
    epochs: int
    report_every: int = 1
    record: tuple[str, ...] = ()
    split: int | None = None
    metrics: tuple[str, ...] = ()
    target: float | None = None

    @property
    def mark(self) -> str:
        """A digest of everything on which the trial's numbers and reports depend, so not of the attempt."""
        own = [getattr(self, one.name) for one in fields(self) if one.name not in ("attempt", "work")]
        return hashlib.sha256(repr((self.work.key, *map(_sorted, own))).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Order:
    """Tells a lane to train a trial up to an epoch, from the state that the lane holds, else from the trial's seeds.

    until: the epoch
    keep_weights: return the weights with the result
    alone: train without other trials in the lane, since the trial may bring the lane down
    """

    trial: TrialSpec
    until: int
    keep_weights: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Metrics of a trial after `epoch` epochs: "train.loss", "validation.error", "validation.loss", ..."""

    trial: TrialId
    attempt: int
    epoch: int
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How a trial ended.

    metrics: the last report's, and for a confirm trial "test.error", "test.loss", ...
    history: the reports, oldest first
    error: the text of a failed trial's exception
    weights: of each net, where the order asked for them: one, or an ensemble's members, each as safetensors
    learned: what people are shown of these nets
    lane, device: where the trial ended, such as "lane 3 on 10.0.0.7" and "cpu x86-64 avx2 amd" or the GPU's name
    not_deterministic: operations of the program without a deterministic kernel on that device; () for a pruned trial
    started, ended: in seconds since 1970, or None where they are not known
    """

    trial: TrialId
    attempt: int
    outcome: Outcome
    epochs: int
    metrics: Metrics
    history: tuple[Report, ...] = ()
    error: str | None = None
    weights: tuple[bytes, ...] = field(default=(), repr=False)
    learned: Learned = NOTHING
    lane: str = ""
    device: str = ""
    not_deterministic: tuple[str, ...] = ()
    started: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial that is over: its spec and its result."""

    spec: TrialSpec
    result: TrialResult


@dataclass(frozen=True, slots=True)
class Effort:
    """Slot-epochs that trained a trial, and those of packs at their full width; the ratio is the slot utilisation."""

    trained: int = 0
    available: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.trained + other.trained, self.available + other.available)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a lane is asked to do next: train these orders, and forget the state of the trials in `drops`.

    widths: the packs' slots by program digest, as the study has noted them for the lane's kind of device; for a program
        without an entry the lane finds the width itself
    """

    orders: tuple[Order, ...] = ()
    drops: tuple[TrialId, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)


class Memory(NamedTuple):
    """Bytes that a lane's process takes of its machine (`host`) and of its device, which has `device_total` in all."""

    host: int
    device: int = 0
    device_total: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """A lane's answer to a turn: the reports that fell due, and the results of trials that ended.

    A trial that was reported at its order's `until` waits in the lane for the next order.
    slots: how many trials the lane trains at once, or None before the lane knows
    memory: what the lane takes by now, or None where it was not measured
    told: remarks for people, such as that a checkpoint was not usable
    widths: the packs' slots by program digest that the lane has measured since its last reply
    """

    reports: tuple[Report, ...] = ()
    results: tuple[TrialResult, ...] = ()
    effort: Effort = Effort()
    slots: int | None = None
    memory: Memory | None = None
    told: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)
