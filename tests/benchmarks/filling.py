"""How full a study's packs are: until its last search has begun, when trials wait for slots, and after that.

    python -m tests.benchmarks.filling [STUDY]

A trial's slot counts for the epochs that it trains, and a free one for those that its pack trains.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory

import slalom
from slalom.lanes.base import News
from slalom.study.model import StudySpec
from slalom.wire.trial import Effort, Reply, Turn
from tests.benchmarks.lent import Lent


class Watched(Lent):
    """Adds up in `begun` and `after` what was trained until the last search began, and from then on."""

    def __init__(self, spec: StudySpec) -> None:
        super().__init__(spec)
        self.begun = self.after = Effort()
        self.searches: set[tuple[str, int]] = set()

    def send(self, lane: int, turn: Turn) -> None:
        searches = self.searches | {(order.trial.id.arm, order.trial.id.search) for order in turn.orders}
        if len(searches) > len(self.searches):
            self.searches, self.begun, self.after = searches, self.begun + self.after, Effort()
        super().send(lane, turn)

    def collect(self, timeout: float) -> Sequence[tuple[int, News]]:
        news = super().collect(timeout)
        for _, one in news:
            if isinstance(one, Reply):
                self.after += one.effort
        return news


def main(study: str) -> None:
    """Run a study in a fresh home, and print a table."""
    crews: list[Watched] = []

    def lend(spec: StudySpec) -> Watched:
        crews.append(Watched(spec))
        return crews[0]

    with TemporaryDirectory() as home:
        slalom.run(study, home, lanes=lend)
    watched = crews[0]
    print(f"| {study}, {len(watched.searches)} searches | slot-epochs trained | of | filled |\n|---|---|---|---|")
    for when, effort in (("until the last search began", watched.begun), ("after that", watched.after)):
        print(f"| {when} | {effort.trained} | {effort.available} | {effort.trained / max(1, effort.available):.1%} |")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "digits-optimizers")
