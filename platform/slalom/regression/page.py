"""A night for a reader: the lines that the terminal, the webhook, JUnit and MLflow show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.regression.gate import COST, Answer
from slalom.verdict.wording import bounds, count, equation, short

if TYPE_CHECKING:
    from slalom.regression.gate import Finding
    from slalom.regression.night import Night

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]


def sentence(night: Night) -> str:
    """The answer in one sentence, with what differs from the baseline where that could be the cause."""
    study = night.baseline.study
    head = f"{study}: {night.answer}"
    worst = [finding for finding in night.findings if finding.answer is night.answer]
    if night.answer in (Answer.REGRESSED, Answer.IMPROVED, Answer.UNDECIDED):
        head += f" ({listing([f'{one.metric} of {one.arm} {difference(one)}' for one in worst])})"
    most = max((one for one in night.findings if one.metric != COST), key=lambda one: one.trainings)
    head += f", {counted(most)} of each arm"
    if night.answer not in (Answer.REGRESSED, Answer.IMPROVED):
        return f"{head}."
    causes = [f"{change.name} {change.before} -> {change.now}" for change in night.changes]
    return f"{head}; changed since the baseline: {'; '.join(causes) or 'no version and no setting'}."


def difference(finding: Finding) -> str:
    """Tonight minus the baseline, with its interval, the margin and p: "+0.012 [0.008, 0.016], margin 0.004"."""
    unit = 100 if finding.metric == COST else 1
    text = f"{unit * finding.difference + 0.0:+.3g}{' %' if unit > 1 else ''}"
    if unit == 1 and math.isfinite(finding.interval.low):
        text += f" {bounds(finding.interval)}"
    text += f", margin {unit * finding.margin:.3g}{' %' if unit > 1 else ''}"
    return text if finding.p is None else f"{text}, {equation(finding.p)}"


def counted(finding: Finding) -> str:
    """What a finding rests on: "20 trainings", "7 measurements"."""
    return count(finding.trainings, "measurement" if finding.metric == COST else "training")


def rows(night: Night) -> Rows:
    """A row for each arm and metric."""
    header = ("arm", "metric", "answer", "baseline", "tonight", "difference", "trainings")
    return header, [
        (
            one.arm,
            one.metric,
            str(one.answer),
            short(one.baseline),
            short(one.tonight),
            difference(one) if one.answer is not Answer.IDENTICAL else "none",
            str(one.trainings),
        )
        for one in night.findings
    ]


def notes(night: Night) -> list[str]:
    """What a reader must know beside the table."""
    found = []
    design = night.design
    units, more = count(design.units, "training"), "pin more with `slalom baseline set STUDY --seeds N`"
    if design.by_search:
        units, more = count(design.units, "search", "searches"), "a study of more searches gives it"
    if not design.can_alarm:
        found.append(
            f"{units} of each arm cannot raise an alarm, however great the difference: a p below "
            f"{design.alarm(design.stages[-1]):.2g} is needed; {more}."
        )
    chance = [arm for arm, same in night.reproduced.items() if not same]
    if chance:
        found.append(f"Trained twice tonight, {listing(chance)} gave other numbers: identical cannot be expected.")
    if not any(finding.metric == COST for finding in night.findings):
        found.append("The cost was not compared: the device is of another kind, or no cost is pinned.")
    return found


def markdown(night: Night) -> str:
    """The night as a page."""
    header, body = rows(night)
    lines = [header, ["---"] * len(header), *body]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    changed = "\n".join(f"- {change}" for change in night.changes) or "Nothing changed since the baseline."
    return "\n\n".join([f"**{sentence(night)}**", table, *notes(night), changed]) + "\n"
