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
"""Seeds of training functions are below this number, so that every framework takes them."""


class StopTraining(BaseException):
    """Ends a training function that calls `report` after False; `except Exception` does not catch it."""


class TrainingError(Exception):
    """A user's training function raised."""


@dataclass
class Trial:
    """A training function's first argument: what to train, and how to report it.

    params: what the study sets, by name; the function gets the same as keyword arguments
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
        """Whether the function must return metrics on test data; only confirm trials may see test data."""
        return self.phase == Phase.CONFIRM

    def report(self, metrics: Mapping[str, Any] | None = None, /, **named: Any) -> bool:
        """Report the metrics on validation data after one more epoch; returns whether to train on.

        metrics, named: a number for each name, the study's metric among them. A name that begins with "train." is of
            training data, any other of validation data
        Raises InputError where a name is no metric's name or a value is no number. A call after False raises
        StopTraining, which ends the function.
        """
        if self._is_over:
            raise StopTraining
        self._reported.append(_checked({**(metrics or {}), **named}, self._metric, validation, "report()"))
        self._heard()
        return not self._is_over

    @property
    def _is_over(self) -> bool:
        """Whether the order's end is reached, or the last report holds a number that is not finite."""
        if not self._reported:
            return False
        return len(self._reported) >= self._until or not _all_finite(self._reported[-1])


class Trained(NamedTuple):
    """What came of an order: the reports, and the result where the trial has ended."""

    reports: tuple[Report, ...]
    result: TrialResult | None

    @property
    def epochs(self) -> int:
        """The last reported epoch; 0 without reports."""
        return max((report.epoch for report in self.reports), default=0)


@dataclass(frozen=True)
class Trainer:
    """A training function, ready to be called.

    function: the user's "file.py:function", imported
    metric: the name of the study's metric, which every report must hold
    threads: how many threads numerical libraries use on the CPU
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

        A trial whose function returns earlier is complete; one that uses `report` wrongly has failed. Raises
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
        """Train the order's trial for one epoch: its metrics by full name, with test metrics in a confirm trial.

        Raises InputError, with file and line, where `train` would fail the trial or raise.
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
        """What the function returns; None where StopTraining ended it."""
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
    """A context in which the process's global generators start from the seed; after it they are as before.

    So the numbers of a function that draws from these depend on no trial that was trained here before.
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
    """The reports and the result of a finished call; InputError where it never reported or returned wrong metrics."""
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
    """The metrics on test data that a confirm trial's function returned, by full name; InputError where they are wrong.

    Those of any other trial are empty, and its function must return None.
    """
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
    """The metrics by full name, as `part` and training spell it; InputError for a wrong name or value."""
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
        return float(value + 0.0)  # the sum refuses a text, which `float` would read
    except (TypeError, ValueError, RuntimeError, OverflowError) as exc:
        raise InputError(f"{what} must be one number, but got {quoted(value)}") from exc


def _all_finite(metrics: Mapping[str, float]) -> bool:
    return all(map(math.isfinite, metrics.values()))
