"""Many repeats of a small study, trained side by side as one study of many searches and then told apart again.

Searches know nothing of each other, so n repeats of a study with R searches are one study with n * R searches: that
fills the packs. Repeat i takes the searches i * R to (i + 1) * R - 1, which from then on are numbered from 0, and goes
through the same functions as a study does: looks, comparison, sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import Any

from slalom import Study
from slalom.lanes.in_process import InProcessLanes
from slalom.loop.run import run
from slalom.records.in_memory import InMemoryRecorder
from slalom.search.in_memory import InMemoryStore
from slalom.search.on_optuna import Proposals
from slalom.study.model import Searches, StudySpec
from slalom.verdict.compare import summarise
from slalom.verdict.summary import Summary
from slalom.wire.trial import Ended, TrialId
from slalom_worker.lane.factory import lane_worker

Results = Mapping[TrialId, Ended]


@dataclass(frozen=True)
class Row:
    """A study that is repeated.

    documents: by the name of a row, the study's keywords, with two arms; the first has the most searches, is trained,
        and the others are told from the first of its searches, since a search is the same however many follow it
    same: the second arm is the first one in truth, with random numbers of its own, which a study file cannot say
    noise: the share of training examples that are mislabelled for the second arm, which a study file cannot say either
    """

    documents: Mapping[str, Mapping[str, Any]]
    same: bool = False
    noise: float = 0.0

    def specs(self) -> Sequence[StudySpec]:
        """The study of one repeat, of each document."""
        specs = [Study(**document) for document in self.documents.values()]
        return [self._second(spec) for spec in specs]

    def _second(self, spec: StudySpec) -> StudySpec:
        one, other = spec.arms
        if self.same:
            other = replace(one, name=other.name, stream=other.name)
        if self.noise:
            other = replace(one, name=other.name, settings={**one.settings, "task": {"label_noise": self.noise}})
        return replace(spec, arms=(one, other))


def train(spec: StudySpec, repeats: int, seed: int) -> Results:
    """The results of so many repeats, as of one study with the searches of all."""
    searches = repeats * spec.tune.searches.at_most
    whole = replace(spec, seed=seed, tune=replace(spec.tune, searches=Searches(searches, searches)))
    store = InMemoryStore()
    lanes = InProcessLanes(partial(lane_worker, spec.folder, spec.resources.pack_width), 1)
    try:
        run(whole, store, lanes, InMemoryRecorder(), Proposals)
    finally:
        lanes.close()
    return {trial: _light(ended) for trial, ended in store.ended().items()}


def _light(ended: Ended) -> Ended:
    return replace(ended, result=replace(ended.result, history=()))


def repeat(spec: StudySpec, results: Results, first: int) -> Results:
    """The results of the repeat whose searches begin with this one, numbered from 0."""
    found = {}
    for trial, ended in results.items():
        if first <= trial.search < first + spec.tune.searches.at_most:
            own = trial._replace(search=trial.search - first)
            found[own] = Ended(replace(ended.spec, id=own), replace(ended.result, trial=own))
    return found


def summaries(row: Row, repeats: int, batch: int = 10, processes: int = 2) -> Iterator[Sequence[Summary]]:
    """What each repeat finds, by each document; batches of repeats are trained in so many processes."""
    seeds = range(-(-repeats // batch))
    # Processes are replaced, since their memory grows; not by ProcessPoolExecutor, whose 3.11 may wait for ever then
    # (CPython's issue 115634).
    with get_context("spawn").Pool(processes, maxtasksperchild=8) as pool:
        for found in pool.imap(partial(_summaries, row, batch), seeds):
            yield from found


def _summaries(row: Row, batch: int, seed: int) -> Sequence[Sequence[Summary]]:
    specs = row.specs()
    size = specs[0].tune.searches.at_most
    by_repeat: dict[int, dict[TrialId, Ended]] = {}
    for trial, ended in train(specs[0], batch, seed).items():
        by_repeat.setdefault(trial.search // size, {})[trial] = ended
    return [[summarise(one, repeat(one, by_repeat[n], n * size)) for one in specs] for n in range(batch)]
