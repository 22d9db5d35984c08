"""What another study has trained already, as answers to orders: a study that extends it trains only what is new.

Every decision is taken anew by the extended study, which asks for its trials as if nothing was there. A trial of the
same hyperparameters, seeds and program is then answered from what is known of it: its reports up to the order's end,
and its result. So the numbers are those of a study that was written so from the start, whatever the sampler and the
pruner.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.wire.trial import Outcome, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slalom.wire.trial import Ended, Order, TrialId


class Reuse:
    """Trials of other studies, read as this one's; the loop's thread alone calls it."""

    def __init__(self, known: Mapping[TrialId, Ended]) -> None:
        self._known = dict(known)

    def answer(self, order: Order) -> Reply | None:
        """What a lane would say of the order; None where too little is known, so that a lane must train it."""
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
        """A trial that is over, with the lane, device and times of its training, where nothing of it was trained anew.

        None where it has been trained in this study, or is not known.
        """
        known = self._known.pop(ended.spec.id, None)
        if known is None:
            return None
        if (known.result.outcome, known.result.epochs) == (ended.result.outcome, ended.result.epochs):
            return known
        of_old = {name: getattr(known.result, name) for name in ("lane", "device", "started", "ended")}
        return replace(ended, result=replace(ended.result, **of_old))

    def trained_anew(self, trial: TrialId) -> None:
        """A lane trains the trial: what was known of it is not what comes of it."""
        self._known.pop(trial, None)

    def __iter__(self) -> Iterator[Ended]:
        return iter(self._known.values())

    def _same(self, order: Order) -> Ended | None:
        known = self._known.get(order.trial.id)
        return known if known is not None and known.spec.mark == order.trial.mark else None


NOTHING_KNOWN = Reuse({})
"""Of a study that extends none."""
