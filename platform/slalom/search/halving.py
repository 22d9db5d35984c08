"""Successive halving: which trials are tried together, when they are judged, and how many go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.study.model import StudySpec, Tune


def generations(tune: Tune) -> Iterator[range]:
    """The numbers of the tuning trials of one generation after another."""
    for start in range(0, tune.trials, tune.generation):
        yield range(start, min(start + tune.generation, tune.trials))


def rungs(spec: StudySpec) -> list[int]:
    """The epochs at which a generation is judged, the last epoch included; trials report at each of them.

    Successive halving with factor f and generations of g trials has ceil(log_f g) rungs before the last,
    at epochs/f, epochs/f^2, ... (Jamieson and Talwalkar 2016), each moved up to the next epoch that is reported.
    There are fewer where two rungs fall on one epoch, or where a rung would be below one epoch.
    """
    ends = {spec.epochs}
    contenders, epoch = min(spec.tune.generation, spec.tune.trials), float(spec.epochs)
    while spec.tune.pruner == "successive_halving" and contenders > 1 and epoch >= spec.tune.factor:
        contenders, epoch = survivors(contenders, spec.tune.factor), epoch / spec.tune.factor
        ends.add(min(spec.epochs, -int(-epoch // spec.report_every) * spec.report_every))
    return sorted(ends)


def survivors(contenders: int, factor: int) -> int:
    """How many of `contenders` trials a rung keeps: one in `factor`, rounded up."""
    return -(-contenders // factor)


def full_trainings(spec: StudySpec) -> float:
    """What the tuning trials of one search cost, in trainings of all epochs, where none diverges or fails.

    A user's training function begins a trial anew after each rung, which costs its earlier epochs again.
    """
    epochs = 0
    for numbers in generations(spec.tune):
        begun = 0
        for contenders, rung in zip(_contenders(spec, len(numbers)), rungs(spec), strict=True):
            epochs += contenders * (rung - begun)
            begun = 0 if spec.own_training else rung
    return epochs / spec.epochs


def completing(spec: StudySpec) -> int:
    """How many tuning trials of one search are trained to the last epoch, where none diverges or fails."""
    return sum(_contenders(spec, len(numbers))[-1] for numbers in generations(spec.tune))


def _contenders(spec: StudySpec, trials: int) -> list[int]:
    """How many trials of a generation train up to each rung."""
    found = [trials]
    for _ in rungs(spec)[1:]:
        found.append(survivors(found[-1], spec.tune.factor))
    return found
