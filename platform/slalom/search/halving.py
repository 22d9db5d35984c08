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
    """The epochs at which a generation is judged, the last epoch included; each is one that is reported.

    Successive halving with factor f and generations of g trials has ceil(log_f g) rungs before the last,
    at epochs/f, epochs/f^2, ... (Jamieson and Talwalkar 2016), each moved up to the next epoch that is reported;
    fewer where that is the same one, or where less than an epoch would be left.
    """
    ends = {spec.epochs}
    contenders, epoch = min(spec.tune.generation, spec.tune.trials), float(spec.epochs)
    while spec.tune.pruner == "successive_halving" and contenders > 1 and epoch >= spec.tune.factor:
        contenders, epoch = survivors(contenders, spec.tune.factor), epoch / spec.tune.factor
        ends.add(min(spec.epochs, -int(-epoch // spec.report_every) * spec.report_every))
    return sorted(ends)


def survivors(contenders: int, factor: int) -> int:
    """How many of so many contenders a rung keeps: one in `factor`, rounded up."""
    return -(-contenders // factor)


def full_trainings(spec: StudySpec) -> float:
    """What the tuning trials of one search cost, in trainings of all epochs, where none ends before its rung.

    A user's training function trains a trial that goes on after a rung from its start.
    """
    epochs = 0
    for numbers in generations(spec.tune):
        begun = 0
        for contenders, rung in zip(_contenders(spec, len(numbers)), rungs(spec), strict=True):
            epochs += contenders * (rung - begun)
            begun = 0 if spec.own_training else rung
    return epochs / spec.epochs


def completing(spec: StudySpec) -> int:
    """How many tuning trials of one search are trained to their end, where none ends before its rung."""
    return sum(_contenders(spec, len(numbers))[-1] for numbers in generations(spec.tune))


def _contenders(spec: StudySpec, trials: int) -> list[int]:
    """How many trials of a generation train up to each rung."""
    found = [trials]
    for _ in rungs(spec)[1:]:
        found.append(survivors(found[-1], spec.tune.factor))
    return found
