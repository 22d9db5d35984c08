"""A study as it stands, for a reader: table rows, lines of text, Markdown."""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from slalom.errors import listing
from slalom.search.choice import most_picked
from slalom.verdict.answers import Answer
from slalom.verdict.scope import Scope
from slalom.verdict.wording import count, probability, short, with_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slalom.study.model import StudySpec
    from slalom.verdict.summary import ArmSummary, Summary
    from slalom.wire.trial import Scalar

NOTHING = "-"


Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""A table as text: its header, and a row for each arm in the order of the study."""


def result_rows(spec: StudySpec, summary: Summary) -> Rows:
    """What each arm reached on test data, and against the baseline."""
    header = ("arm", spec.metric.on("test"), "difference", "p (Holm)", "P(better)")
    return header, [result_row(spec, arm) for arm in summary.arms]


def result_row(spec: StudySpec, arm: ArmSummary) -> tuple[str, str, str, str, str]:
    """The row of one arm in the table of results."""
    return (arm.name, _confirmed(arm), *_compared(spec, arm))


def tuning_rows(spec: StudySpec, summary: Summary) -> Rows:
    """What each arm's searches chose, and how their trials ended."""
    header = ("arm", f"best {spec.metric.on('validation')}", "tuning trials", "chosen, median [range] over searches")
    return header, [
        (arm.name, _tuned(arm), _trials(arm, spec.arm(arm.name).nets), _chosen(arm)) for arm in summary.arms
    ]


def _tuned(arm: ArmSummary) -> str:
    return short(arm.tuning.best) if arm.tuning.best is not None else NOTHING


def _chosen(arm: ArmSummary) -> str:
    choices = [choice for choice in arm.chosen if choice is not None]
    if choices:
        return chosen_text(choices)
    return "none finished" if arm.chosen else NOTHING


def chosen_text(choices: Sequence[Mapping[str, Scalar]]) -> str:
    """What searches chose: of numbers the median and the range, of other values how often each was chosen."""
    names = choices[0].keys()
    return ", ".join(f"{name}={_spread([one[name] for one in choices])}" for name in names) or "nothing to choose"


def _spread(values: Sequence[Scalar]) -> str:
    if len(set(values)) == 1:
        return short(values[0])
    if any(isinstance(value, bool | str) for value in values):
        counted = Counter(map(str, values)).most_common()
        return " ".join(f"{value} ({times})" for value, times in counted)
    ordered = sorted(value for value in values if not isinstance(value, str))
    return f"{short(ordered[(len(ordered) - 1) // 2])} [{short(ordered[0])}, {short(ordered[-1])}]"


def _trials(arm: ArmSummary, nets: int) -> str:
    """How many tuning trials there are and how they ended, and how many nets each has, where that is more than one."""
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
    """Difference, p with the answer, and P(better)."""
    if arm.name == spec.compare.baseline:
        return "baseline", NOTHING, NOTHING
    if (found := arm.difference) is None:
        return NOTHING, NOTHING, NOTHING
    if found.answer is Answer.IDENTICAL:
        return "none", "identical", NOTHING
    superiority = f"{found.better.share:.2f} [{found.better.interval.low:.2f}, {found.better.interval.high:.2f}]"
    answer = "" if found.answer is Answer.UNDECIDED else f" {found.answer}"
    return with_bounds(found.mean, found.interval, "+"), f"{probability(found.p)}{answer}", superiority


def answer(spec: StudySpec, summary: Summary) -> str:
    """The verdict's sentence, or how far the study has come."""
    if summary.verdict:
        return summary.verdict.sentence
    tuning = sum(arm.tuning.trials for arm in summary.arms)
    searches = sum(len(arm.chosen) for arm in summary.arms)
    every = len(spec.arms) * spec.tune.searches.at_least
    trials = f"{tuning} of {sum(arm.budget for arm in summary.arms)} tuning trials ended"
    return f"No verdict yet ({summary.state}): {trials}, {searches} of {every} searches confirmed."


def html(spec: StudySpec, summary: Summary) -> str:
    """The table of results and the answer as HTML, for a notebook."""
    header, body = result_rows(spec, summary)
    rows = [("th", header), *(("td", row) for row in body)]
    lines = ["".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) for tag, row in rows]
    table = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<p>{escape(spec.question)}</p><table>{table}</table><p><b>{escape(answer(spec, summary))}</b></p>"


def legend(spec: StudySpec) -> str:
    """How to read the table, in one line."""
    side = "Lower" if spec.metric.goal == "minimize" else "Higher"
    scope = Scope.of(spec, spec.tune.searches.at_most)
    each, level = scope.noun, f"{100 * (1 - spec.compare.alpha):g} %"
    paired = "seed by seed" if scope.over_seeds else "search by search"
    return (
        f"{side} {spec.metric.name} is better; brackets are {level} intervals over the {each}. Difference: arm minus "
        f"baseline, {paired}. p: how often chance alone gives so large a difference (sign-flip test, corrected "
        f"over the arms by Holm, as the interval beside it is); better or worse below {spec.compare.alpha:g}. "
        f"P(better): in which share of the {each} the arm is better, ties half."
    )


def warnings(summary: Summary) -> tuple[str, ...]:
    """What a reader must know before quoting the verdict, a sentence each."""
    found = summary.verdict.warnings if summary.verdict else ()
    return tuple(f"{warning[:1].upper()}{warning[1:]}" for warning in found)


def claim(spec: StudySpec) -> str:
    """What is said of the heuristic that the study is about, and by whom; nothing where the study does not say."""
    said, source = spec.about.get("claim", ""), spec.about.get("source", "")
    return " ".join(filter(None, (f"The claim: {said}." if said else "", f"Source: {source}." if source else "")))


def protocol(spec: StudySpec) -> str:
    """What every arm was given, in one line."""
    tune = spec.tune
    split = "each search on its own split" if spec.resampled else "on the task's own split"
    many = f"Each arm is searched {tune.searches.at_least} times, independently, {split}"
    if tune.searches.at_most > tune.searches.at_least:
        many += f", and where that decides nothing up to {tune.searches.at_most} times"
    once = "Each arm is searched once, on one split"
    searches = f"{once if tune.searches.at_most == 1 else many}; splits and seeds are the same in every arm"
    again = max(most_picked(spec, arm) for arm in spec.arms)
    pick = f"its best {again // tune.pick.seeds} trained again from {count(tune.pick.seeds, 'seed')}, " if again else ""
    return (
        f"{searches}. A search: "
        f"{count(tune.trials, 'tuning trial')} of {count(spec.epochs, 'epoch')} ({tune.sampler}, {tune.pruner}), "
        f"{pick}the choice by {spec.metric.on('validation')}, then "
        f"{count(spec.confirm_seeds, 'confirm seed')} of the choice, "
        f"judged by {spec.metric.on('test')}. Fingerprint {spec.fingerprint[:12]}."
    )


def pace(summary: Summary) -> str:
    """How fast the study went and how full its packs were, in one line; nothing where no trial was trained."""
    reached = summary.throughput
    if not reached.trials or reached.trials_per_second is None:
        return ""
    line = f"{count(reached.trials, 'trial')} in {reached.seconds:.0f} s ({reached.trials_per_second:.3g} a second)"
    if reached.pack_width and reached.pack_width > 1 and reached.slot_utilisation is not None:
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
        *(f"- {_escaped(warning)}" for warning in warnings(summary)),
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
