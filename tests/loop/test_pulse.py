"""What a study under way tells of itself, and when."""

from __future__ import annotations

from slalom.errors import LaneLost
from slalom.lanes.base import LaneOpened
from slalom.loop.notes import Note
from slalom.loop.pulse import PULSE_SECONDS
from tests.loop.worlds import MemoryStore, one_lane, study, train


class Telling(MemoryStore):
    """Keeps every pulse, as lanes and trials in training."""

    def __init__(self, spec):
        super().__init__(spec)
        self.pulses = []

    def note(self, name, value):
        super().note(name, value)
        if name == Note.PULSE:
            self.pulses.append((value["lanes"], value["training"]))


def test_the_first_lane_and_the_loss_of_the_last_are_told_at_once():
    """No time goes by here, so nothing else would be told but beginning and end."""
    store, lanes = Telling(study()), one_lane()
    collect, heard = lanes.collect, []

    def with_a_loss(timeout):
        heard.append(1)
        if len(heard) == 3:
            lanes.release(0)
            lanes._workers[0] = lanes._factory()
            return [(0, LaneLost("gone"))]
        return [(0, LaneOpened("made up"))] if len(heard) == 4 else collect(timeout)

    lanes.collect = with_a_loss
    train(study(), store, lanes, clock=lambda: 1e6)
    assert [pulse[0] for pulse in store.pulses] == [1, 0, 1, 1]


def test_else_it_is_told_every_few_seconds():
    store = Telling(study())
    ticks = iter(range(10**9))
    train(study(), store, clock=lambda: next(ticks) * PULSE_SECONDS)
    assert len(store.pulses) > 10
