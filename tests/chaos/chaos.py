"""`make chaos`: faults at random moments, and after each round a look whether anything is lost, double or left.

CHAOS_ROUNDS: rounds of each way of each fault (1); CHAOS_SEED: where the moments come from, printed at the start;
CHAOS_ONLY: faults whose names hold it. A run of all faults writes the table of `docs/reliability.md` again.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.benchmarks.document import write
from tests.benchmarks.tables import Table
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.struck import TOTAL

MOST = 1500
"""Characters of what a round that was not survived says."""

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def play(fault: Fault, way: str, seed: str, name: str = "small") -> str:
    """One round; what happened in a line. AssertionError where the study does not end as the undisturbed one."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        with fault.world(Path(folder), name) as (site, strike):
            try:
                site.start()
                moment = chance.randrange(TOTAL)
                hit = site.wait_for(moment)
                time.sleep(chance.uniform(0.0, 0.3))
                found = site.ended()
                said = "" if hit else site.log
                if hit:
                    strike(way, chance)
                site.finish()
                site.examine()
            finally:
                site.clear()
        tries = f"{site.tries} run" + ("s" if site.tries > 1 else "")
        return f"struck at {found} of {TOTAL} trials, {tries}" if hit else f"it had ended before, {tries}: {said}"


def main() -> int:
    """Play rounds of each fault; gives 1 where one was not survived."""
    rounds = int(os.environ.get("CHAOS_ROUNDS", "1"))
    seed = os.environ.get("CHAOS_SEED") or str(random.SystemRandom().randrange(10**6))
    only = os.environ.get("CHAOS_ONLY", "")
    print(f"CHAOS_SEED={seed} CHAOS_ROUNDS={rounds}", flush=True)
    played: Counter[tuple[str, str]] = Counter()
    survived: Counter[tuple[str, str]] = Counter()
    refused: dict[str, str] = {}
    for fault in (one for one in FAULTS if only in one.name):
        if (refusal := fault.refusal()) is not None:
            refused[fault.name] = refusal
            print(f"{fault.name}: not permitted here: {refusal}", flush=True)
            continue
        for way in fault.ways:
            for number in range(rounds):
                played[fault.name, way] += 1
                try:
                    told = play(fault, way, f"{seed}/{fault.name}/{way}/{number}")
                    survived[fault.name, way] += 1
                except Exception as exc:  # noqa: BLE001 (whatever it is, the other faults are played)
                    told = f"NOT SURVIVED: {type(exc).__name__}: {str(exc)[:MOST]}"
                print(f"{fault.name}, {way}, round {number}: {told}", flush=True)
        if not only:
            write(PAGE, [table(played, survived, refused).markdown()], "make chaos")
    return 0 if survived == played else 1


def table(played: Counter[tuple[str, str]], survived: Counter[tuple[str, str]], refused: dict[str, str]) -> Table:
    """Rounds survived, of those played, by fault and way."""
    rows = [(fault, way, f"{survived[fault, way]} of {count}") for (fault, way), count in played.items()]
    rows += [(fault, "-", f"not permitted on this machine: {why}") for fault, why in refused.items()]
    return Table(
        "Rounds survived: nothing lost, nothing double, equal numbers, nothing left", ("fault", "way", "rounds"), rows
    )


if __name__ == "__main__":
    sys.exit(main())
