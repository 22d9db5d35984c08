"""The parts of the page of several studies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

from slalom.report.page.drawing import profiles, ranks, signed_rank
from slalom.report.page.section import Section, Table, arm_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.report.page.told import Told
    from slalom.verdict.tasks.several import Several
    from slalom.verdict.tasks.signed_rank import SignedRank


@dataclass(frozen=True)
class Compared:
    """What several studies say, and the JSON object with all numbers of that."""

    found: Several
    told: Told

    @property
    def places(self) -> Mapping[str, int]:
        """The number of each arm in the first study."""
        return {arm.name: place for place, arm in enumerate(self.found.arms)}

    def arm(self, name: str) -> str:
        """HTML of an arm's name."""
        return arm_name(name, self.places[name])


def by_rank(compared: Compared) -> Section:
    """The average ranks with the tests of Friedman and Nemenyi."""
    found, told, places = compared.found, compared.told, compared.places
    each = [
        (compared.arm(arm.name), told.number(f"arms.{place}.rank"), *_ranks(compared, place))
        for arm in found.ranked
        for place in [places[arm.name]]
    ]
    pairs = [
        (
            f"{compared.arm(pair.arm)} and {compared.arm(pair.other)}",
            told.number(f"nemenyi.pairs.{number}.difference"),
            told.p(f"nemenyi.pairs.{number}.p"),
            "told apart" if pair.apart else "not told apart",
        )
        for number, pair in enumerate(found.nemenyi.pairs)
    ]
    how = "all orders of the ranks" if found.friedman.exact else "random orders of the ranks"
    degrees = f"{told.number('friedman.degrees.0')} and {told.number('friedman.degrees.1')}"
    lead = (
        f"In each task the arms are ranked by {escape(found.metric)}, the best 1. The p of arms that are all alike is "
        f"{told.p('friedman.p')} by Friedman's test, over {how} within tasks "
        f"(chi-squared {told.number('friedman.chi2')}; Iman and Davenport's F {told.number('friedman.f')} of "
        f"{degrees} degrees of freedom, its p {told.p('friedman.p_f')}). Where p is below {told.number('alpha')}, two "
        f"arms whose average ranks differ by {told.number('nemenyi.critical_difference')} are told apart (Nemenyi); "
        "a line at the right joins arms that are not. The small strokes are the ranks in the single tasks."
    )
    studies = [task.study for task in found.tasks]
    return Section(
        "ranks",
        "By rank over the tasks",
        lead,
        plots=ranks.draw(found, places),
        shown=[Table("average ranks", ("arm", "average rank", *(f"rank in {study}" for study in studies)), each)],
        folded=[Table("pairs of arms", ("pair", "difference of average ranks", "p (Nemenyi)", "answer"), pairs)],
    )


def _ranks(compared: Compared, place: int) -> list[str]:
    return [compared.told.number(f"arms.{place}.ranks.{task}") for task in range(len(compared.found.tasks))]


def by_value(compared: Compared) -> Section:
    """What each arm reached in each task."""
    found, told = compared.found, compared.told
    rows = [
        (
            f"{escape(task.study)}, {escape(task.metric)}",
            *(told.number(f"tasks.{number}.values.{place}") for place in range(len(found.arms))),
        )
        for number, task in enumerate(found.tasks)
    ]
    side = "Lower" if found.goal == "minimize" else "Higher"
    lead = f"{side} is better. Each number is the mean over the searches of a study; its page has its interval."
    table = Table("values on test data", ("task", *(arm.name for arm in found.arms)), rows)
    return Section("values", "What each arm reached", lead, shown=[table])


def by_probability(compared: Compared) -> Section | None:
    """The Bayesian signed-rank test; None where the studies measure different things."""
    found, told = compared.found, compared.told
    if found.signed_rank is None:
        return None
    best = found.ranked[0].name
    order = {arm.name: row for row, arm in enumerate(found.ranked)}
    of_best = [_seen_from(best, pair) for pair in found.signed_rank.pairs if best in (pair.arm, pair.other)]
    rows = [
        (
            f"{compared.arm(pair.arm)} and {compared.arm(pair.other)}",
            *(
                told.number(f"signed_rank.pairs.{number}.{part}", "{:.3f}".format)
                for part in ("better", "equal", "worse")
            ),
        )
        for number, pair in enumerate(found.signed_rank.pairs)
    ]
    rope = f"differ by no more than the rope of {told.number('signed_rank.rope')}"
    lead = (
        "The Bayesian signed-rank test (Benavoli et al. 2014) gives the probability that an arm is better than another "
        f"one in a further task like these, that the two {rope}, and that it is worse. In the plot a bar is, from the "
        f"left, that {compared.arm(best)} is better, that the two are equal, in grey, and that the other one is."
    )
    return Section(
        "probabilities",
        "How probably one arm is better than another",
        lead,
        plots=signed_rank.draw(sorted(of_best, key=lambda pair: order[pair.other]), compared.places),
        folded=[Table("probabilities", ("pair", "the first is better", "equal", "the second is better"), rows)],
    )


def _seen_from(arm: str, pair: SignedRank) -> SignedRank:
    """The pair with this arm as its first."""
    if pair.arm == arm:
        return pair
    return replace(pair, arm=pair.other, other=pair.arm, better=pair.worse, worse=pair.better)


def by_factor(compared: Compared) -> Section | None:
    """The performance profiles; None where a value is negative."""
    found, told = compared.found, compared.told
    if found.profiles is None:
        return None
    rows = [
        (
            compared.arm(profile.arm),
            told.number(f"profiles.{place}.score"),
            *(told.number(f"profiles.{place}.ratios.{task}") for task in range(len(found.tasks))),
        )
        for place, profile in enumerate(found.profiles)
    ]
    lead = (
        "A line tells in which share of the tasks an arm comes within a factor of the task's best arm (Dolan and More "
        "2002): the higher, the better. The score is its mean height over the factors from 1 to 4, at most 1."
    )
    header = ("arm", "score", *(f"factor in {task.study}" for task in found.tasks))
    legend = [compared.arm(arm.name) for arm in found.arms]
    plots = profiles.draw(found.profiles, compared.places)
    return Section(
        "profiles", "How far from the best", lead, legend, plots, folded=[Table("performance profiles", header, rows)]
    )


def conditions(compared: Compared) -> Section:
    """What a reader must know before quoting the answer."""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in compared.found.warnings)
    return Section("conditions", "What this does not say", rest=f"<ul>{items}</ul>")


def studies(compared: Compared) -> Section:
    """The studies, and the commands that repeat the comparison."""
    found, told = compared.found, compared.told
    rows = [
        (
            told.text(f"tasks.{number}.study"),
            escape(task.question),
            told.number(f"tasks.{number}.searches"),
            f"<code>{told.text(f'tasks.{number}.fingerprint')}</code>",
        )
        for number, task in enumerate(found.tasks)
    ]
    names = " ".join(task.study for task in found.tasks)
    commands = [*(f"slalom run {task.study}" for task in found.tasks), f"slalom compare {names}"]
    rest = f"<p>To repeat it, with the study files at hand:</p><pre><code>{escape(chr(10).join(commands))}</code></pre>"
    table = Table("the tasks", ("study", "question", "searches of each arm", "fingerprint"), rows)
    return Section("studies", "Where the numbers come from", shown=[table], rest=rest)
