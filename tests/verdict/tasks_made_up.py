"""Finished studies that nobody ran: what several tasks are compared by."""

from __future__ import annotations

from dataclasses import replace

from slalom.verdict.interval import Interval
from slalom.verdict.summary import ArmSummary, Confirmed, State, Summary, Tuning, Verdict
from tests.verdict.made_up import study


def confirmed(mean):
    """What an arm of one search reached."""
    return Confirmed(10, 3, ((mean,) * 3,) * 10, 1.0, mean, Interval(mean, mean), mean, 0, 0.1)


def finished(name, values, metric="error", state=State.COMPLETE, **options):
    """A study of that name and its summary; values: what each arm reached, None where it finished no tuning trial."""
    spec = replace(study(*values, metric=metric, **options), name=name, fingerprint=name * 8, data_digest=name)
    tuning = Tuning(20, 0, 0, 0, 0, None)
    arms = tuple(
        ArmSummary(arm, 20, (), tuning, None if value is None else confirmed(value)) for arm, value in values.items()
    )
    verdict = Verdict("Nothing.", None, searches=10) if state is State.COMPLETE else None
    return spec, Summary(state, arms, verdict)


def table(rows, names="abcdefgh", **options):
    """Studies t0, t1, ... of these rows of values: [tasks][arms]."""
    return [
        finished(f"t{number}", dict(zip(names, map(float, row), strict=False)), **options)
        for number, row in enumerate(rows)
    ]
