"""A baseline of the small study of `record_samples`, and nights that were held against it."""

from __future__ import annotations

from slalom.regression.baseline import Baseline, PinnedArm
from slalom.regression.changes import Change
from slalom.regression.gate import Answer, Design, Finding
from slalom.regression.night import Night
from slalom.regression.replicates import Replicates
from slalom.verdict.interval import Interval
from tests.support.record_samples import FINGERPRINT

BEGIN = 1_700_000_000.0
DAY = 86_400.0


def baseline(value: float = 0.25) -> Baseline:
    found = Replicates((value, 0.5), (3.0, 4.0), ("aa", "bb"))
    params = ({"learning_rate": 0.1}, {"learning_rate": 0.3})
    arms = (PinnedArm("constant", params, 0.2, found), PinnedArm("rising", ({}, {}), None, found))
    versions, settings = {"torch": "2.1"}, {"epochs": 4}
    text = "name: momentum\n"
    return Baseline("momentum", FINGERPRINT, 0, "d" * 64, "error", "minimize", "cpu", versions, settings, arms, text)


def night(day: int = 0, answer: Answer = Answer.EQUIVALENT, difference: float = 0.0) -> Night:
    """A night so many days after the first one, whose arms all have the same answer."""
    interval = Interval(difference - 0.01, difference + 0.01)
    findings = tuple(
        Finding(arm, "error", answer, 2, 0.375, 0.375 + difference, difference, interval, 0.02, 0.25)
        for arm in ("constant", "rising")
    )
    pinned, changes = baseline(), (Change("version.torch", "2.1", "2.2"),)
    return Night(pinned, BEGIN + day * DAY, Design.of(pinned), findings, changes, {"constant": True, "rising": True})
