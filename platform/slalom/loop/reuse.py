"""Trials of other studies as answers to orders: a study that extends another one trains only the trials that are new.

The extending study takes every decision anew, and orders its trials as if nothing was there. An order of a trial with
the same hyperparameters, seeds and program as a known one is answered by the known trial's reports up to the order's
end, and its result. So the numbers are those of a study that was written so from the start, whatever the sampler and
the pruner.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.wire.trial import Outcome, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slalom.wire.trial import Ended, Order, TrialId


class Reuse:
    """Answers orders from the trials of other studies, read as this study's; only the loop's thread calls it."""

    def __init__(self, known: Mapping[TrialId, Ended]) -> None:
        self._known = dict(known)

    def answer(self, order: Order) -> Reply | None:
        """What a lane would reply to the order; None where too little is known, so that a lane must train it."""
        known = self._same(order)
        if known is None or order.keep_weights:
            return None
        attempt = order.trial.attempt
        reports = tuple(replace(one, attempt=attempt) for one in known.result.history if one.epoch <= order.until)
        if order.until < order.trial.epochs and any(one.epoch == order.until for one in reports):
            return Reply(reports)
        if known.result.outcome is Outcome.PRUNED:
            return None
        return Reply(reports, (replace(known.result, attempt=attempt, history=()),))

    def as_trained(self, ended: Ended) -> Ended | None:
        """A trial that is over, with the lane, device and times of its training in the other study.

        None where this study has trained any of it, or where it is not known.
        """
        known = self._known.pop(ended.spec.id, None)
        if known is None:
            return None
        if (known.result.outcome, known.result.epochs) == (ended.result.outcome, ended.result.epochs):
            return known
        of_old = {
            name: getattr(known.result, name) for name in ("lane", "device", "not_deterministic", "started", "ended")
        }
        return replace(ended, result=replace(ended.result, **of_old))

    def trained_anew(self, trial: TrialId) -> None:
        """Forget what is known of a trial that a lane now trains: its result will be the lane's."""
        self._known.pop(trial, None)

    def __iter__(self) -> Iterator[Ended]:
        return iter(self._known.values())

    def _same(self, order: Order) -> Ended | None:
        known = self._known.get(order.trial.id)
        return known if known is not None and known.spec.mark == order.trial.mark else None


NOTHING_KNOWN = Reuse({})
"""The Reuse of a study that extends no other."""
