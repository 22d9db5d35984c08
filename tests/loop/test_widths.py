"""The widths of packs: noted as lanes find them, and taken from there by whoever trains the study again."""

from dataclasses import replace

import pytest

from slalom.errors import Interrupted
from slalom.lanes.in_process import InProcessLanes
from slalom.loop.notes import Notes
from slalom.records.on_mlflow.pages.study import study_page
from slalom.regression.baseline import Baseline
from slalom.regression.hold import hold
from slalom.regression.pin import pin
from slalom.regression.retrain import Crew
from slalom.search.on_optuna import Proposals
from slalom.verdict.compare import summarise
from slalom.verdict.summary import State
from tests.loop.test_devices import PLAIN, WIDE
from tests.loop.worlds import FakeWorker, MemoryStore, Nature, Wire, study, train

SPEC = study()


class Measuring(FakeWorker):
    """Finds these widths for the programs of which it is told none; given: what it was told, turn by turn."""

    def __init__(self, *widths, **options):
        super().__init__(Nature(), **options)
        self.left, self.told, self.given = list(widths), {}, []

    def turn(self, turn):
        self.given.append(turn.widths)
        unknown = {order.trial.work.digest for order in turn.orders} - turn.widths.keys() - self.told.keys()
        found = {program: self.left.pop(0) for program in unknown}
        self.told |= found
        return replace(super().turn(turn), widths=found)

    @property
    def noted(self):
        return {width for widths in self.given for width in widths.values()}


def lanes(*workers):
    left = list(workers)
    return InProcessLanes(lambda: left.pop(0), len(workers))


def reached(store):
    return Notes.read(store.notes()).throughput


def program(store):
    (digest,) = {one.spec.work.digest for one in store.ended().values()}
    return digest


def test_what_the_first_lane_of_a_kind_measured_is_noted_and_told_to_all_of_that_kind():
    workers = [Measuring(3, device=WIDE), Measuring(5, device=WIDE), Measuring(7, device=PLAIN)]
    spec = SPEC.with_resources(nodes="any")
    store = train(spec, lanes=lanes(*workers))
    widths = {WIDE: {program(store): 3}, PLAIN: {program(store): 7}}
    assert [worker.noted for worker in workers] == [{3}, {3}, {7}]
    assert reached(store).widths == widths
    page = study_page(spec, summarise(spec, store.ended(), State.COMPLETE, reached(store)), "")
    assert page.tags["slalom.pack_widths"] == f"{WIDE}: 3; {PLAIN}: 7"


def test_a_study_that_is_gone_on_with_measures_nothing_anew():
    store = MemoryStore(SPEC)
    with pytest.raises(Interrupted):
        train(SPEC, store, lanes(Measuring(3)), wire=Wire(40, KeyboardInterrupt()))
    again = Measuring()
    train(SPEC, store, lanes(again))
    assert again.noted == {3}


def test_nights_train_in_packs_of_the_pinned_widths(tmp_path):
    store = train(SPEC, lanes=lanes(Measuring(3)))
    crew = [Measuring(), Measuring()]

    def night(worker):
        return Crew(lambda _: lanes(worker), Proposals, lambda *_: ())

    summary = summarise(SPEC, store.ended(), State.COMPLETE, reached(store))
    baseline = pin(SPEC, summary, store.ended(), night(crew[0]), lambda _: None)
    baseline.write(tmp_path / "b.json")
    assert baseline.widths == {"made up": {program(store): 3}}
    hold(SPEC, Baseline.read(tmp_path / "b.json"), night(crew[1]), lambda _: None)
    assert [worker.noted for worker in crew] == [{3}, {3}]
