"""A user's training function: one call trains one trial, from its seed to where its order ends."""

from __future__ import annotations

import math
import random
import re
import traceback
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from slalom.errors import InputError, SlalomError, nearest, quoted
from slalom.wire.trial import Outcome, Phase, Report, TrialResult, test, train, validation
from slalom_worker.own_file import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slalom.wire.trial import Order, Settings
    from slalom_worker.tasks.user import Named

METRIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
METRIC_RULE = "letters, digits, '-', '_' and '.', at most 100, a letter or digit first"

TRAIN = train("")

SEEDS = 2**31
"""Seeds are below it: every framework takes them."""


class StopTraining(BaseException):
    """Ends a training function that trains on after `report` said that it is over; `except Exception` lets it pass."""


class TrainingError(Exception):
    """A user's training function raised."""


@dataclass
class Trial:
    """What a training function is called with first: what to train, and whom to tell.

    params: what the study sets, by name; the function is called with the same as keywords
    seed: a whole number in [0, 2**31), the same in the trial of this number in every arm
    split: the number of the search's split; 0 where the study's split is fixed
    phase: "tune", "pick" or "confirm"
    epochs: how often the function reports, at most
    device: what to train on, as torch names it: "cpu" or "cuda:0"
    """

    params: Settings
    seed: int
    split: int
    phase: str
    epochs: int
    device: str
    _metric: str = field(repr=False)
    _until: int = field(repr=False)
    _heard: Callable[[], None] = field(repr=False)
    _reported: list[dict[str, float]] = field(default_factory=list, repr=False)

    @property
    def wants_test(self) -> bool:
        """Whether the function is to return metrics of test data; no other trial may see these."""
        return self.phase == Phase.CONFIRM

    def report(self, metrics: Mapping[str, Any] | None = None, /, **named: Any) -> bool:
        """Tell the metrics on validation data after one more epoch; gives whether to train on.

        metrics, named: a number each, by name; the study's metric must be among them. A name that begins with "train."
            is of training data, any other of validation data
        Raises InputError where a name or a value is none. A function that trains on after False is ended here.
        """
        if self._is_over:
            raise StopTraining
        self._reported.append(_checked({**(metrics or {}), **named}, self._metric, validation, "report()"))
        self._heard()
        return not self._is_over

    @property
    def _is_over(self) -> bool:
        """Whether the order's end is reached, or the training has left the finite numbers."""
        if not self._reported:
            return False
        return len(self._reported) >= self._until or not _all_finite(self._reported[-1])


class Trained(NamedTuple):
    """What came of an order: the reports, and the result where the trial has ended."""

    reports: tuple[Report, ...]
    result: TrialResult | None

    @property
    def epochs(self) -> int:
        """How many epochs were trained, as far as is known."""
        return max((report.epoch for report in self.reports), default=0)


@dataclass(frozen=True)
class Trainer:
    """A training function, ready to be called.

    function: "file.py:function" found
    metric: the study's, which every report must hold
    threads: of numerical libraries on the CPU
    heard: called at every report
    """

    function: Named
    metric: str
    device: torch.device
    device_name: str
    threads: int = 1
    heard: Callable[[], None] = lambda: None

    def train(self, order: Order) -> Trained:
        """Train the order's trial from its seed to the order's end.

        A trial whose function returns before is complete. One that uses `report` wrongly has failed. Raises
        TrainingError, with file, line and text, where the function raises.
        """
        spec, trial = order.trial, self._trial(order)
        try:
            returned = self._call(trial)
            return _outcome(order, trial, returned, self.device_name)
        except InputError as exc:
            error = f"{self.function.place}: {exc}"
            return Trained((), TrialResult(spec.id, spec.attempt, Outcome.FAILED, 0, {}, error=error))

    def rehearse(self, order: Order) -> dict[str, float]:
        """Train one epoch of the order's trial, and measure it on test data: the metrics of both, by their whole names.

        Raises InputError, with file and line, for what `train` would fail with or raise.
        """
        trial = self._trial(replace(order, until=1))
        try:
            returned = self._call(trial)
            if not trial._reported:
                raise InputError(_NEVER)
            found = trial._reported[0]
            return found | _test_metrics(trial, returned) if _all_finite(found) else found
        except InputError as exc:
            raise InputError(f"{self.function.place}: {exc}") from exc
        except TrainingError as exc:
            raise InputError(str(exc)) from exc

    def _trial(self, order: Order) -> Trial:
        spec = order.trial
        return Trial(
            params=spec.settings,
            seed=spec.seeds.weights % SEEDS,
            split=spec.work.split or 0,
            phase=str(spec.id.phase),
            epochs=spec.epochs,
            device=str(self.device),
            _metric=self.metric,
            _until=order.until,
            _heard=self.heard,
        )

    def _call(self, trial: Trial) -> object:
        """What the function returns; nothing where it had to be ended."""
        try:
            with _seeded(trial.seed, self.device), self._threads(), beside(self.function.file):
                return self.function.value(trial, **trial.params)
        except StopTraining:
            return None
        except SlalomError:
            raise
        except (Exception, SystemExit) as exc:
            frames = traceback.extract_tb(exc.__traceback__)
            lines = [frame.lineno for frame in frames if frame.filename == str(self.function.file)]
            where = f" (line {lines[-1]})" if lines else ""
            raise TrainingError(f"{self.function.place}: {type(exc).__name__}: {exc}{where}") from exc

    @contextmanager
    def _threads(self) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with threadpool_limits(self.threads):
                yield
        finally:
            torch.set_num_threads(before)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Within the block, the process's own generators start from the seed; after it they are as before.

    So the numbers of a function that draws from them depend on no trial that was trained here before.
    """
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _outcome(order: Order, trial: Trial, returned: object, device: str) -> Trained:
    """The reports and the result of a call that has come to its end."""
    spec, reported = order.trial, trial._reported
    if not reported:
        raise InputError(_NEVER)
    epochs, last = len(reported), reported[-1]
    diverged, paused = not _all_finite(last), epochs == order.until < spec.epochs
    if not diverged:
        last |= _test_metrics(trial, returned)
        diverged = not _all_finite(last)
    told = [epoch for epoch in range(1, epochs + 1) if epoch % spec.report_every == 0 or epoch == epochs]
    reports = tuple(
        Report(spec.id, spec.attempt, epoch, reported[epoch - 1]) for epoch in told if _all_finite(reported[epoch - 1])
    )
    if paused and not diverged:
        return Trained(reports, None)
    outcome, metrics = (Outcome.DIVERGED, {}) if diverged else (Outcome.COMPLETE, last)
    return Trained(reports, TrialResult(spec.id, spec.attempt, outcome, epochs, metrics, device=device))


_NEVER = "must report its metrics at least once, but never called report()"


def _test_metrics(trial: Trial, returned: object) -> dict[str, float]:
    """The metrics on test data that a confirm trial's function has returned, by their whole names."""
    if not trial.wants_test:
        if returned is not None:
            raise InputError(f"must return nothing where trial.wants_test is false, but returned {quoted(returned)}")
        return {}
    if not isinstance(returned, Mapping):
        raise InputError(
            f"must return a mapping with {trial._metric!r} on test data where trial.wants_test is true, but returned "
            f"{quoted(returned)}"
        )
    return _checked(returned, trial._metric, test, "what it returns")


def _checked(metrics: Mapping[Any, Any], deciding: str, part: Callable[[str], str], what: str) -> dict[str, float]:
    """Metrics by their whole names, those of `part` and of training; InputError where a name or a value is none."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        if not isinstance(name, str) or METRIC.fullmatch(name) is None:
            raise InputError(f"{what}: a metric's name must be {METRIC_RULE}, but got {quoted(name)}")
        whole = name if name.startswith(TRAIN) else part(name)
        found[whole] = _number(value, f"{what}: {name}")
    if part(deciding) not in found:
        raise InputError(f"{what} must hold the study's metric {deciding!r}{nearest(deciding, map(str, metrics))}")
    return found


def _number(value: Any, what: str) -> float:
    try:
        return float(value + 0.0)  # no text, which `float` would read
    except (TypeError, ValueError, RuntimeError, OverflowError) as exc:
        raise InputError(f"{what} must be one number, but got {quoted(value)}") from exc


def _all_finite(metrics: Mapping[str, float]) -> bool:
    return all(map(math.isfinite, metrics.values()))
