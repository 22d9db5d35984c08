"""What others took of a cluster, where Ray's tables, which are faked here, do not agree at one moment."""

from __future__ import annotations

from collections import defaultdict

import pytest

from slalom.lanes.on_ray.sharing import ledger as module
from slalom.lanes.on_ray.sharing.ledger import STARTING_SECONDS, Ledger

WHOLE = {"CPU": 1.0, "GPU": 1.0}
TAKEN = {"CPU": 0.0, "GPU": 0.0}


class Tables:
    """What Ray would tell."""

    def __init__(self):
        self.totals, self.free, self.lanes, self.now = {}, {}, {}, 0.0


@pytest.fixture
def tables(monkeypatch):
    tables = Tables()
    monkeypatch.setattr(module, "_totals", lambda: tables.totals)
    monkeypatch.setattr(module, "_free", lambda: tables.free)
    monkeypatch.setattr(module, "_of_lanes", lambda: defaultdict(dict, tables.lanes))
    monkeypatch.setattr(module.time, "monotonic", lambda: tables.now)
    return tables


def test_a_lane_that_took_a_new_node_before_it_is_told_is_not_another_program(tables):
    """An autoscaler would be asked for a second node beside it."""
    ledger = Ledger()
    assert ledger.look() == ({}, {})
    tables.now, tables.totals, tables.free = 1.0, {"new": WHOLE}, {"new": TAKEN}
    assert ledger.look() == ({"new": WHOLE}, {"new": TAKEN})
    tables.now, tables.lanes = 2.0, {"new": WHOLE}
    assert ledger.look() == ({"new": WHOLE}, {"new": TAKEN})


def test_what_stays_taken_of_a_new_node_is_another_programs(tables):
    ledger = Ledger()
    ledger.look()
    tables.totals, tables.free = {"new": WHOLE}, {"new": TAKEN}
    tables.now = 1.0
    ledger.look()
    tables.now = 1.5 + STARTING_SECONDS
    assert ledger.look() == ({"new": TAKEN}, {"new": WHOLE})


def test_what_is_taken_at_the_first_look_is_another_programs(tables):
    """The broker's first look finds programs that were there before it."""
    tables.totals, tables.free = {"old": WHOLE}, {"old": {"CPU": 1.0, "GPU": 0.0}}
    assert Ledger().look() == ({"old": {"CPU": 1.0, "GPU": 0.0}}, {"old": {"CPU": 0.0, "GPU": 1.0}})
