"""What all Lanes keep to: in this process and in another, on a virtual clock, and as actors of a Ray cluster."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import pytest

from slalom.errors import Infrastructure, LaneLost
from slalom.lanes.apart import ApartLanes
from slalom.lanes.in_process import InProcessLanes
from slalom.lanes.on_ray import RayLanes
from slalom.lanes.simulated import SimulatedLanes
from slalom.wire.trial import Effort
from tests.cluster.clusters import ray_cluster
from tests.cluster.crews import heard, opened
from tests.cluster.studies import SPEC
from tests.cluster.workers import Obedient, Refusing, told


def on_ray(address, factory, count):
    return RayLanes(address, SPEC.with_resources(lanes=count), factory, {"MKL_CBWR": "AVX2"})


@pytest.fixture(scope="module")
def address():
    with ray_cluster(0, cpus=2) as cluster:
        yield cluster.address


def simulated(factory, count):
    """Workers that know no clock: all their turns take no time."""
    return SimulatedLanes(lambda _: factory(), count)


def apart(factory, count):
    return ApartLanes(partial(InProcessLanes, factory, count), "another process")


@pytest.fixture(params=["in process", "apart", "simulated", pytest.param("on ray", marks=pytest.mark.slow)])
def start(request):
    """A function that starts lanes, closed in the end."""
    makers = {"in process": InProcessLanes, "apart": apart, "simulated": simulated}
    make = makers.get(request.param) or partial(on_ray, request.getfixturevalue("address"))
    started = []

    def begin(count=2, factory=Obedient):
        started.append(make(factory, count))
        return opened(started[-1], count)

    yield begin
    for lanes in started:
        lanes.close()


def numbers(found, lane):
    return [reply.slots for at, reply in found if at == lane]


def test_names_tell_the_lanes_apart(start):
    names = start(2).names
    assert [name.split()[:2] for name in names] == [["lane", "0"], ["lane", "1"]]


def test_nothing_sent_is_nothing_to_wait_for(start):
    lanes = start()
    began = time.monotonic()
    assert list(lanes.collect(30.0)) == []
    assert time.monotonic() - began < 20


def test_a_lane_takes_its_turns_in_the_order_they_were_sent(start):
    lanes = start()
    sent = {0: [("answer", 3), ("sleep", 1), ("heavy", 2), ("answer", 2)], 1: [("sleep", 200), ("answer", 9)]}
    for lane, turns in sent.items():
        for command, number in turns:
            lanes.send(lane, told(command, number))
    found = heard(lanes, 6)
    assert {lane: numbers(found, lane) for lane in sent} == {0: [3, 1, 2, 2], 1: [200, 9]}
    assert [reply.effort for lane, reply in found if lane == 0] == [Effort(n, n) for n in (1, 2, 3, 4)]
    assert [len(reply.results[0].weights[0]) for _, reply in found if reply.results] == [2 << 20]
    assert list(lanes.collect(0.1)) == []


def test_a_worker_that_raises_is_told_of_once_and_replaced(start):
    """What it was sent is void; the other lane notices nothing; the class of the exception need not be known here."""
    lanes = start()
    for lane in (0, 1):
        lanes.send(lane, told("answer", 1))
    for turn in (told("fail", 5), told("answer", 2), told("fail", 6)):
        lanes.send(0, turn)
    lanes.send(1, told("answer", 3))
    found = heard(lanes, 4)
    (lost,) = [reply for lane, reply in found if isinstance(reply, LaneLost)]
    assert str(lost).startswith("lane 0")
    assert str(lost).endswith(": Unheard: no such layer (code 5)")
    assert numbers([one for one in found if one[1] is not lost], 0) == [1]
    assert numbers(found, 1) == [1, 3]
    lanes.send(0, told("answer", 4))
    lanes.send(1, told("answer", 5))
    found = dict(heard(lanes, 2))
    assert (found[0].slots, found[0].effort) == (4, Effort(1, 1))
    assert (found[1].slots, found[1].effort) == (5, Effort(3, 3))
    assert len(lanes.names) == 2


def test_a_worker_may_raise_as_often_as_there_are_trials(start):
    lanes = start(1)
    for number in range(25):
        lanes.send(0, told("fail", number))
        ((lane, lost),) = heard(lanes, 1)
        assert (lane, str(lost).rpartition(": ")[2]) == (0, f"no such layer (code {number})")


def test_closing_twice(start):
    lanes = start(1)
    lanes.send(0, told("sleep", 10))
    lanes.close()
    lanes.close()


def test_a_factory_made_on_the_spot(start):
    """Functions and classes that no module holds reach the lanes too."""
    base = 40

    @dataclass
    class Adding(Obedient):
        more: int

        def turn(self, turn):
            self.taken = base + self.more
            return super().turn(turn)

    lanes = start(1, partial(Adding, 1))
    lanes.send(0, told("answer"))
    assert heard(lanes, 1)[0][1].effort == Effort(42, 42)


def test_a_worker_that_cannot_be_made(start):
    """It is told in one line."""
    with pytest.raises((Infrastructure, ValueError), match=r"^[^\n]*no device today$"):
        start(1, Refusing)
