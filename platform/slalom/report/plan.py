"""What a study will do before it does it: its trials, what they cost, and what its searches can decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slalom.search.choice import most_picked
from slalom.search.halving import full_trainings, rungs
from slalom.verdict.capacity import capacity, searches_needed
from slalom.verdict.scope import Scope
from slalom.verdict.wording import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.study.model import StudySpec


def plan(spec: StudySpec) -> dict[str, Any]:
    """The plan as plain values, for `slalom check --json`."""
    tune, arms = spec.tune, len(spec.arms)
    picked = [most_picked(spec, arm) for arm in spec.arms]
    trials = sum(picked) + arms * (tune.trials + spec.confirm_seeds)
    cost = sum(picked) + arms * (full_trainings(spec) + spec.confirm_seeds)
    stages = tune.searches.stages
    return {
        "study": spec.name,
        "question": spec.question,
        "fingerprint": spec.fingerprint,
        "arms": {arm.name: list(arm.space) for arm in spec.arms},
        "searches": {"at_least": stages[0], "at_most": stages[-1], "stages": list(stages)},
        "split": Scope.of(spec, stages[-1]).split,
        "tuning_trials_per_search": tune.trials,
        "picked_trainings_per_search": max(picked),
        "confirm_seeds_per_search": spec.confirm_seeds,
        "rungs": rungs(spec),
        "trials": {"at_least": trials * stages[0], "at_most": trials * stages[-1]},
        "full_trainings": {
            "per_search": round(cost / arms, 2),
            "at_least": round(cost * stages[0], 1),
            "at_most": round(cost * stages[-1], 1),
        },
        "limits": list(_limits(spec)),
        "facts": dict(spec.facts),
        "notes": list(spec.notes),
    }


def plan_lines(spec: StudySpec) -> Iterator[str]:
    """The plan for a reader."""
    found, tune = plan(spec), spec.tune
    stages = tune.searches.stages
    yield f"{spec.name}: {spec.question}"
    for arm in spec.arms:
        yield f"  {arm.name}: tunes {', '.join(arm.space) or 'nothing'}"
    many = count(stages[0], "search", "searches") if len(stages) == 1 else f"{stages[0]} to {stages[-1]} searches"
    split = "each with a split of its own" if found["split"] == "resampled" else "on one split"
    yield f"{many} of each arm, {split}; in each of them"
    cost = f"{full_trainings(spec):.3g} full trainings"
    yield f"  {count(tune.trials, 'tuning trial')} of {count(spec.epochs, 'epoch')}, {cost}"
    if picked := found["picked_trainings_per_search"]:
        best = picked // tune.pick.seeds
        yield f"  the best {best} again from {count(tune.pick.seeds, 'seed')}, {count(picked, 'training')}"
    yield f"  {count(spec.confirm_seeds, 'confirm seed')} of the choice"
    least, most = (found["trials"][end] for end in ("at_least", "at_most"))
    cheap, dear = (found["full_trainings"][end] for end in ("at_least", "at_most"))
    yield f"{_between(least, most)} trials in all, which cost as much as {_between(cheap, dear)} full trainings"
    yield _pruning(spec)
    yield from found["limits"]
    yield from (f"note: {note}" for note in spec.notes)
    yield f"fingerprint {spec.fingerprint}"


def _pruning(spec: StudySpec) -> str:
    if spec.tune.pruner == "none":
        return "every trial is trained to its end"
    together = min(spec.tune.generation, spec.tune.trials)
    return f"epochs at which a generation of {together} is judged: {', '.join(map(str, rungs(spec)))}"


def _between(least: float, most: float) -> str:
    return f"{least:,g}" if least == most else f"{least:,g} to {most:,g}"


def _limits(spec: StudySpec) -> Iterator[str]:
    """What the study's number of searches cannot decide, however great the differences are; a line each."""
    scope = Scope.of(spec, spec.tune.searches.at_most)
    if scope.about == "choice":
        yield "one search tells of the settings that it finds, not of the way of training: no winner will be named"
    arms, alpha, looks = len(spec.arms), spec.compare.alpha, scope.looks(spec.tune.searches.stages)
    found = capacity(scope.number, arms, alpha, looks)
    if not found.baseline:
        needed = _needed(arms - 1, alpha)
        yield f"{scope.number} {scope.noun} cannot tell any arm from the baseline at alpha {alpha:g}{needed}"
    elif not found.all_pairs and scope.about == "way":
        needed = _needed(arms * (arms - 1) // 2, alpha)
        yield f"{scope.number} {scope.noun} cannot name a winner among {arms} arms at alpha {alpha:g}{needed}"


def _needed(comparisons: int, alpha: float) -> str:
    enough = searches_needed(max(1, comparisons), alpha)
    return f": it takes {enough}" if enough else ""
