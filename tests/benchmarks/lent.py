"""Ray's lanes as a study is lent them, for benchmarks that listen to what passes between the loop and the lanes."""

from __future__ import annotations

from collections.abc import Sequence

from slalom.lanes.base import Demand, Lanes, News
from slalom.study.model import StudySpec
from slalom.wire.trial import Turn
from slalom.wiring import ray_lanes


class Lent:
    """`Lanes` that pass every call on; who listens overrides some."""

    def __init__(self, spec: StudySpec) -> None:
        self.lanes: Lanes = ray_lanes(spec)

    @property
    def names(self) -> Sequence[str]:
        return self.lanes.names

    def size(self, demand: Demand) -> Sequence[int]:
        return self.lanes.size(demand)

    def release(self, lane: int) -> None:
        self.lanes.release(lane)

    def send(self, lane: int, turn: Turn) -> None:
        self.lanes.send(lane, turn)

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        return self.lanes.collect(timeout)

    def close(self) -> None:
        self.lanes.close()
