"""A store that stands an outage: every trial is written once, whatever the outage cut off."""

from __future__ import annotations

import pytest

from slalom.errors import Infrastructure, Outage
from slalom.search.in_memory import InMemoryStore
from slalom.search.patient import RETRY_SECONDS, PatientStore
from tests.search.on_optuna.test_store import ended


class Server(InMemoryStore):
    """A store that is away while `away` says so; `answer` says whether it writes before it fails."""

    def __init__(self):
        super().__init__()
        self.away, self.answer = False, True

    def add(self, trials):
        if self.away:
            raise Outage("away")
        super().add(trials)
        if not self.answer:
            self.away, self.answer = True, True
            raise Outage("cut off")

    def ended(self, mark=None):
        if self.away:
            raise Outage("away")
        return super().ended(mark)

    def note(self, name, value):
        if self.away:
            raise Outage("away")
        super().note(name, value)


class Kept:
    """An outbox on no disk."""

    place = "outbox"

    def __init__(self):
        self.trials = []

    def ended(self):
        return list(self.trials)

    def add(self, trials):
        self.trials += trials

    def clear(self):
        self.trials.clear()


class Patient:
    """A patient store with a clock of its own."""

    def __init__(self, limit=60.0):
        self.server, self.outbox, self.told, self.now = Server(), Kept(), [], 0.0
        self.store = PatientStore(self.server, self.outbox, limit, self.told.append, lambda: self.now)

    def later(self, seconds=RETRY_SECONDS):
        self.now += seconds


def numbers(trials):
    return sorted(one.spec.id.number for one in trials)


def test_what_ends_in_an_outage_waits_and_is_written_when_it_is_over():
    patient = Patient()
    patient.store.add([ended(number=0)])
    patient.server.away = True
    patient.store.add([ended(number=1)])
    patient.store.note("state", "running")
    patient.store.add([ended(number=2)])
    assert numbers(patient.outbox.trials) == [1, 2]
    assert numbers(patient.store.ended().values()) == [1, 2]
    patient.server.away = False
    patient.store.add([])
    assert numbers(patient.server.ended().values()) == [0], "it is not asked all the time"
    patient.later()
    patient.store.add([ended(number=3)])
    assert numbers(patient.server.ended().values()) == [0, 1, 2, 3]
    assert patient.server.notes() == {"state": "running"}
    assert patient.outbox.trials == []
    assert len(patient.told) == 2
    patient.store.add([ended(number=4)])
    assert numbers(patient.server.ended().values()) == [0, 1, 2, 3, 4]


def test_what_was_written_before_the_answer_was_lost_is_not_written_again():
    patient = Patient()
    patient.server.answer = False
    patient.store.add([ended(number=0)])
    patient.server.away = False
    patient.later()
    patient.store.settle(lambda _: None)
    assert numbers(patient.server.ended().values()) == [0]


def test_an_outage_past_the_limit_ends_the_study_and_keeps_what_waits():
    patient = Patient(limit=10.0)
    patient.server.away = True
    patient.store.add([ended(number=0)])
    patient.later(10.0)
    patient.store.add([])
    patient.later(RETRY_SECONDS)
    with pytest.raises(Infrastructure, match="given up after 12 s: what had ended waits in outbox"):
        patient.store.add([])
    patient.store.note("state", "interrupted")
    assert numbers(patient.outbox.trials) == [0]
    patient.server.away = False
    following = PatientStore(patient.server, patient.outbox, 10.0, patient.told.append)
    with following.held("home"):
        assert numbers(following.ended().values()) == [0]


def test_a_storage_that_refuses_is_no_outage():
    patient = Patient()
    patient.store.add([ended(number=0)])
    with pytest.raises(Infrastructure):
        patient.store.add([ended(number=0)])
    assert patient.told == []


def test_the_end_waits_for_the_storage():
    patient = Patient()
    patient.server.away = True
    patient.store.add([ended(number=0)])

    def wait(seconds):
        patient.later(seconds)
        patient.server.away = patient.now < 20

    patient.store.settle(wait)
    assert numbers(patient.server.ended().values()) == [0]
    assert "after 20 s; trials that had ended and are written: 1" in patient.told[-1]


def test_all_trials_are_those_of_after_an_outage_that_begins_as_they_are_asked_for():
    patient = Patient()
    patient.store.add([ended(number=0), ended(number=1)])
    patient.server.away = True

    def wait(_):
        patient.server.away = False
        patient.later()

    assert numbers(patient.store.settled(wait).values()) == [0, 1]
    assert [line.partition(";")[0] for line in patient.told][:1] == ["away"]
