"""`make chaos`: faults at random moments, and after each round a look whether anything is lost, double or left.

CHAOS_ROUNDS: rounds of each way of each fault (1); CHAOS_SEED: where the moments come from, printed at the start;
CHAOS_FIRST: the number of the first round (0), to go on with a seed; CHAOS_ONLY: faults and ways whose `fault, way`
holds one of these, parted by semicolons; CHAOS_MINUTES: no round begins after so many. Each round is written into
`rounds.json` beside this file, and the table of `docs/reliability.md` is made of that file.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from tests.benchmarks.document import write
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.rounds import Rounds
from tests.chaos.stages import Stage
from tests.chaos.struck import TOTAL

MOST = 1500
"""Characters of what a round that was not survived says."""

DRAWS = 4
"""Moments that are drawn for a round until one comes before the command has ended."""

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
FILE = Path(__file__).with_name("rounds.json")


class NotStruck(Exception):
    """The command ended before the strike, in every draw: nothing was tried, so nothing was survived."""


def play(stage: Stage, way: str, seed: str) -> str:
    """One round; what happened in a line.

    Raises AssertionError where the study does not end as the undisturbed one, and NotStruck.
    """
    for draw in range(DRAWS):
        told = attempt(stage, way, random.Random(f"{seed}/{draw}"), f"small-{crc32(seed.encode())}-{draw}")
        if told is not None:
            return told
    raise NotStruck(f"the command had ended before the strike, {DRAWS} times")


def attempt(stage: Stage, way: str, chance: random.Random, name: str) -> str | None:
    """A study that is struck at a random moment and ends as the undisturbed one; None where it ended before."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        site = stage.site(Path(folder), name)
        try:
            site.start()
            moment = chance.randrange(-1, TOTAL)
            if moment < 0:
                time.sleep(chance.uniform(0.0, 10.0))
            going = site.wait_for(moment)
            time.sleep(chance.uniform(0.0, 0.3))
            found = site.ended()
            struck = going and stage.strike(site, way, chance)
            ready = time.monotonic()
            site.finish()
            ended = time.monotonic()
            site.examine()
        finally:
            site.clear()
    tries = f"{site.tries} run" + ("s" if site.tries > 1 else "")
    times = f"{ready - began:.0f} + {ended - ready:.0f} + {time.monotonic() - ended:.0f} s"
    return f"struck at {found} of {TOTAL} trials, {tries}, {times}" if struck else None


@dataclass
class Play:
    """Rounds of all faults under way, and how they went."""

    seed: str
    rounds: Rounds
    only: tuple[str, ...] = ("",)
    stop: float = float("inf")
    failed: bool = False
    refused: dict[str, str] = field(default_factory=dict)

    def fault(self, fault: Fault, number: int) -> None:
        """A round of each way of a fault; a stage on which one was not survived is left for a new one."""
        ways = [way for way in fault.ways if any(word in f"{fault.name}, {way}" for word in self.only)]
        if not ways or fault.name in self.refused:
            return
        if (refusal := fault.refusal()) is not None:
            self.refused[fault.name] = refusal
            print(f"{fault.name}: not permitted here: {refusal}", flush=True)
            return
        with ExitStack() as stack:
            stage = None
            for way in ways:
                if time.monotonic() > self.stop:
                    return
                stage = stage or self._stage(fault, stack)
                if not self.round(stage, fault.name, way, number):
                    stack.close()
                    stage = None

    def _stage(self, fault: Fault, stack: ExitStack) -> Stage:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-stage-", dir="/tmp"))
        return stack.enter_context(fault.stage(Path(folder)))

    def round(self, stage: Stage, fault: str, way: str, number: int) -> bool:
        """One round, written down where something was struck; gives whether it was, and survived."""
        survived = True
        try:
            told = play(stage, way, f"{self.seed}/{fault}/{way}/{number}")
        except NotStruck as exc:
            print(f"{fault}, {way}, round {number}: NOT STRUCK: {exc}", flush=True)
            self.failed = True
            return False
        except Exception as exc:  # noqa: BLE001 (whatever it is, the other faults are played)
            told = f"NOT SURVIVED: {type(exc).__name__}: {str(exc)[:MOST]}"
            traceback.print_exc()
            survived, self.failed = False, True
        print(f"{fault}, {way}, round {number}: {told}", flush=True)
        day = dt.datetime.now(dt.UTC).date().isoformat()
        self.rounds.add(fault, way, self.seed, number, survived=survived, day=day)
        return survived


def main() -> int:
    """Play rounds of each fault; gives 1 where one was not survived, or did not come to a strike."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is mounted and started is put away
    for name in ("RAY_enable_worker_prestart", "RAY_prestart_worker_first_driver"):
        os.environ[name] = "0"  # lanes, which have an environment of their own, use no worker that is there before
    count, first = int(os.environ.get("CHAOS_ROUNDS", "1")), int(os.environ.get("CHAOS_FIRST", "0"))
    seed = os.environ.get("CHAOS_SEED") or str(random.SystemRandom().randrange(10**6))
    minutes = float(os.environ.get("CHAOS_MINUTES", "inf"))
    only = tuple(word.strip() for word in os.environ.get("CHAOS_ONLY", "").split(";"))
    print(f"CHAOS_SEED={seed} CHAOS_ROUNDS={count} CHAOS_FIRST={first}", flush=True)
    playing = Play(seed, Rounds(FILE), only, time.monotonic() + 60 * minutes)
    try:
        for number in range(first, first + count):
            for fault in FAULTS:
                playing.fault(fault, number)
    finally:
        table = playing.rounds.table({fault.name: fault.ways for fault in FAULTS}, playing.refused)
        write(PAGE, [table.markdown()], "make chaos")
    return 1 if playing.failed else 0


if __name__ == "__main__":
    sys.exit(main())
