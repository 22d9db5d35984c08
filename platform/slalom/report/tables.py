"""A study as it stands, for a reader: table rows, lines of text, Markdown."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.verdict.wording import count, probability, short, with_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.study.model import StudySpec
    from slalom.verdict.summary import ArmSummary, Summary

NOTHING = "-"


Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""A table as text: its header, and a row for each arm in the order of the study."""


def result_rows(spec: StudySpec, summary: Summary) -> Rows:
    """What each arm reached on test data, and against the baseline."""
    header = ("arm", f"test {spec.metric.name}", "difference", "p (Holm)", "P(better)")
    return header, [(arm.name, _confirmed(arm), *_compared(spec, arm)) for arm in summary.arms]


def tuning_rows(spec: StudySpec, summary: Summary) -> Rows:
    """What each arm's tuning chose, and how its trials ended."""
    header = ("arm", f"validation {spec.metric.name}", "tuning trials", "chosen hyperparameters")
    return header, [
        (arm.name, _tuned(arm), _trials(arm, spec.arm(arm.name).nets), _chosen(arm)) for arm in summary.arms
    ]


def _tuned(arm: ArmSummary) -> str:
    return short(arm.tuning.best) if arm.tuning.best is not None else NOTHING


def _chosen(arm: ArmSummary) -> str:
    if arm.chosen is not None:
        return ", ".join(f"{name}={short(value)}" for name, value in arm.chosen.items()) or "nothing to choose"
    return "none finished" if arm.tuning.trials >= arm.budget else NOTHING


def _trials(arm: ArmSummary, nets: int) -> str:
    """How many there are and how they ended, and how much is trained in each where it is more than a net."""
    tuning = arm.tuning
    ended = tuning.trials if tuning.trials >= arm.budget else f"{tuning.trials} of {arm.budget}"
    parts = {"pruned": tuning.pruned, "diverged": tuning.diverged, "failed": tuning.failed}
    ends = ", ".join(f"{number} {how}" for how, number in parts.items() if number)
    text = f"{ended}: {ends}" if ends else f"{ended}"
    return f"{text}; {nets} nets each" if nets > 1 else text


def _confirmed(arm: ArmSummary) -> str:
    if arm.confirm is None:
        return NOTHING
    text = with_bounds(arm.confirm.mean, arm.confirm.interval)
    return f"{text}, {arm.confirm.diverged} diverged" if arm.confirm.diverged else text


def _compared(spec: StudySpec, arm: ArmSummary) -> tuple[str, str, str]:
    """Difference, p and P(better)."""
    if arm.name == spec.compare.baseline:
        return "baseline", NOTHING, NOTHING
    if (found := arm.difference) is None:
        return NOTHING, NOTHING, NOTHING
    mark = {True: " better", False: " worse", None: ""}[found.better]
    superiority = f"{found.superiority:.2f}"
    if math.isfinite(found.superiority_interval.low):
        superiority += " [{:.2f}, {:.2f}]".format(*found.superiority_interval)
    return with_bounds(found.mean, found.interval, "+"), probability(found.p) + mark, superiority


def answer(spec: StudySpec, summary: Summary) -> str:
    """The verdict's sentence, or how far the study has come."""
    if summary.verdict:
        return summary.verdict.sentence
    tuning = sum(arm.tuning.trials for arm in summary.arms)
    confirmed = sum(arm.confirm is not None for arm in summary.arms)
    trials = f"{tuning} of {sum(arm.budget for arm in summary.arms)} tuning trials ended"
    return f"No verdict yet ({summary.state}): {trials}, {confirmed} of {count(len(spec.arms), 'arm')} confirmed."


def legend(spec: StudySpec) -> str:
    """How to read the table, in one line."""
    side = "Lower" if spec.metric.goal == "minimize" else "Higher"
    return (
        f"{side} {spec.metric.name} is better. Difference: arm minus baseline over paired seeds. "
        f"Brackets: {100 * (1 - spec.compare.alpha):g} % bootstrap intervals. p: two-sided sign-flip test, corrected "
        f"over the arms (Holm); better or worse where p < {spec.compare.alpha:g}. P(better): share of the pairs in "
        f"which the arm is better, ties half."
    )


def claim(spec: StudySpec) -> str:
    """What is said of the heuristic that the study is about, and by whom; nothing where the study does not say."""
    said, source = spec.about.get("claim", ""), spec.about.get("source", "")
    return " ".join(filter(None, (f"The claim: {said}." if said else "", f"Source: {source}." if source else "")))


def protocol(spec: StudySpec) -> str:
    """What every arm was given, in one line."""
    metric, tune = spec.metric.name, spec.tune
    return (
        f"Each arm: {count(tune.trials, 'tuning trial')} of {count(spec.epochs, 'epoch')} ({tune.sampler}, "
        f"{tune.pruner}) chosen by validation {metric}, then {count(spec.confirm_seeds, 'confirm seed')}, the same in "
        f"every arm, judged by test {metric}. alpha {spec.compare.alpha:g}, Holm's correction. "
        f"Fingerprint {spec.fingerprint[:12]}."
    )


def pace(summary: Summary) -> str:
    """How fast the study went and how full its packs were, in one line; nothing where no trial was trained."""
    reached = summary.throughput
    if not reached.trials or reached.trials_per_second is None:
        return ""
    line = f"{count(reached.trials, 'trial')} in {reached.seconds:.0f} s ({reached.trials_per_second:.3g} a second)"
    if reached.pack_width and reached.slot_utilisation is not None:
        line += f", in packs of up to {reached.pack_width}, {100 * reached.slot_utilisation:.0f} % filled"
    return f"{line}."


def markdown(spec: StudySpec, summary: Summary) -> str:
    """The study as a page: answer, question, tables, how to read them, protocol, facts.

    The answer comes first, since MLflow folds a description after its first lines.
    """
    facts = [f"{name.replace('_', ' ')} {short(value)}" for name, value in spec.facts.items()]
    parts = [
        f"**{_escaped(answer(spec, summary))}**",
        _escaped(spec.question),
        _escaped(claim(spec)),
        markdown_table(*result_rows(spec, summary)),
        _escaped(legend(spec)),
        markdown_table(*tuning_rows(spec, summary)),
        _escaped(protocol(spec)),
        _escaped(f"Known about the task: {listing(facts)}.") if facts else "",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def markdown_table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, whatever stands in its cells."""
    return "\n".join([_line(header), _line(["---"] * len(header)), *map(_line, body)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(text: str) -> str:
    """Text as one line that Markdown shows as it is: no table cell, emphasis, tag, link or heading of its own."""
    line = " ".join(text.split())
    line = re.sub(r"[\\`*|~]|<(?=[A-Za-z/!?])|(?<!\w)_|_(?!\w)|(?<=\])\(", r"\\\g<0>", line)
    return re.sub(r"^(#|>|[+-](?=\s))", r"\\\g<0>", line)
