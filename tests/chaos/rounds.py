"""Which rounds of chaos were played and survived: a file that each run adds to, and the table made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.tables import Table

TITLE = "Rounds survived: nothing lost, nothing double, equal numbers, nothing left"
HEAD = ("fault", "way", "rounds survived", "the last on", "seeds")


@dataclass(frozen=True)
class Rounds:
    """Rounds in a file, each by its fault, its way, its run's seed and its number in that run.

    A round that is played again from the same seed takes the place of what it was: so one that was not survived counts
    as survived once what failed is mended and the very round was.
    """

    file: Path

    def add(self, fault: str, way: str, seed: str, number: int, *, survived: bool, day: str) -> None:
        """Write a round down at once; day: ISO 8601."""
        played = self._read()
        played.setdefault(fault, {}).setdefault(way, {})[f"{seed}/{number}"] = {"survived": survived, "day": day}
        self.file.write_text(json.dumps(played, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def table(self, faults: Mapping[str, Sequence[str]], refused: Mapping[str, str]) -> Table:
        """A row for each way of each fault, of those that were refused with the reason."""
        return Table(TITLE, HEAD, list(self._rows(faults, refused)))

    def _rows(self, faults: Mapping[str, Sequence[str]], refused: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
        played = self._read()
        for fault, ways in faults.items():
            for way in ways:
                rounds = played.get(fault, {}).get(way, {})
                if rounds:
                    survived = sum(bool(one["survived"]) for one in rounds.values())
                    seeds = sorted({name.rpartition("/")[0] for name in rounds})
                    last = max(str(one["day"]) for one in rounds.values())
                    yield (fault, way, f"{survived} of {len(rounds)}", last, ", ".join(seeds))
                elif fault not in refused:
                    yield (fault, way, "none played", "-", "-")
            if fault in refused:
                yield (fault, "-", f"not permitted on this machine: {refused[fault]}", "-", "-")

    def _read(self) -> dict[str, dict[str, dict[str, dict[str, bool | str]]]]:
        if not self.file.exists():
            return {}
        found: dict[str, dict[str, dict[str, dict[str, bool | str]]]] = json.loads(self.file.read_text("utf-8"))
        return found
