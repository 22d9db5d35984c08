"""Ctrl-C, and a part that fails for good: the state is kept and told, and the same call goes on."""

import pytest

from slalom.errors import Infrastructure, Interrupted
from slalom.loop.run import run
from slalom.records import InMemoryRecorder
from slalom.search.on_optuna import Proposals
from slalom.verdict.summary import State
from slalom.wire.trial import Reply
from tests.loop.worlds import MemoryStore, Wire, budget, exported, scattered, study, ticking, train, written

SPEC = study()


class Heard:
    """Lanes that keep what the loop was told."""

    def __init__(self, lanes):
        self._lanes = lanes
        self.results = set()

    def __getattr__(self, name):
        return getattr(self._lanes, name)

    def collect(self, timeout):
        found = self._lanes.collect(timeout)
        for _, reply in found:
            self.results |= {result.trial for result in reply.results} if isinstance(reply, Reply) else set()
        return found


class Only:
    """A part of which one method goes through the wire."""

    def __init__(self, part, name, wire):
        self._part, self._name, self._wire = part, name, wire

    def __getattr__(self, name):
        return getattr(self._wire.through(self._part) if name == self._name else self._part, name)


PLACES = [
    (part, name, after)
    for part, name in [("lanes", "send"), ("lanes", "collect"), ("store", "add"), ("recorder", "trials")]
    for after in (False, True)
]


@pytest.mark.parametrize(("part", "method", "after"), PLACES, ids=lambda value: str(value))
@pytest.mark.parametrize("at", [2, 9, 25])
def test_ctrl_c_keeps_what_had_ended(part, method, after, at):
    wire = Wire(at, KeyboardInterrupt(), after)
    store, recorder, lanes = MemoryStore(SPEC), InMemoryRecorder(), Heard(scattered(at, 3))
    parts = {"store": store, "lanes": lanes, "recorder": recorder}
    parts[part] = Only(parts[part], method, wire)
    with pytest.raises(Interrupted):
        run(SPEC, **parts, propose=Proposals, clock=ticking())

    ended = store.ended()
    last_words = set() if (method, after) != ("collect", True) else lanes.results - set(ended)
    assert lanes.results - last_words <= set(ended)
    assert all(times == 1 for times in written(SPEC, store).values())
    assert recorder.records.trials == ended
    assert store.notes()["state"] == State.INTERRUPTED
    assert recorder.records.summary.state is State.INTERRUPTED
    assert sum(arm.tuning.trials for arm in recorder.records.summary.arms) == len(ended)

    train(SPEC, store, scattered(1), recorder)
    assert written(SPEC, store) == budget(SPEC)
    assert exported(SPEC, store) == exported(SPEC, train(SPEC))
    assert store.notes()["state"] == State.COMPLETE
    assert recorder.records.summary.state is State.COMPLETE
    assert recorder.records.trials == store.ended()


def test_ctrl_c_while_the_records_are_caught_up_is_an_interruption_too():
    store = MemoryStore(SPEC)
    with pytest.raises(Interrupted):
        train(SPEC, store, recorder=Only(InMemoryRecorder(), "summary", Wire(1, KeyboardInterrupt())))
    assert store.notes()["state"] == State.INTERRUPTED


@pytest.mark.parametrize("at", [1, 7])
@pytest.mark.parametrize(("part", "method"), [("lanes", "collect"), ("recorder", "trials")])
def test_a_part_that_fails_for_good_leaves_the_study_interrupted(part, method, at):
    store, error = MemoryStore(SPEC), Infrastructure("the server is gone")
    parts = {"store": store, "lanes": scattered(2), "recorder": InMemoryRecorder()}
    parts[part] = Only(parts[part], method, Wire(at, error))
    with pytest.raises(Infrastructure) as caught:
        run(SPEC, **parts, propose=Proposals, clock=ticking())
    assert caught.value is error
    assert store.notes()["state"] == State.INTERRUPTED
    assert exported(SPEC, train(SPEC, store)) == exported(SPEC, train(SPEC))


def test_a_run_says_that_it_is_running_and_that_it_is_complete():
    states, store = [], MemoryStore(SPEC)

    class Listening(InMemoryRecorder):
        def summary(self, summary):
            states.append((summary.state, store.notes()["state"]))

    train(SPEC, store, recorder=Listening())
    assert states[0] == (State.RUNNING, State.RUNNING)
    assert states[-1] == (State.COMPLETE, State.COMPLETE)
    assert {state for state, _ in states[:-1]} == {State.RUNNING}


def test_a_record_that_was_lost_is_written_by_the_next_run():
    store, recorder = train(SPEC), InMemoryRecorder()
    train(SPEC, store, recorder=recorder)
    assert recorder.records.trials == store.ended()
    assert len(recorder.records.models) == len(SPEC.arms)
    assert recorder.records.summary.verdict is not None
