"""A real server with a command that is none of Slalom's: `fake_server.py URL LOGS`, in a hurry.

The first attempt at a run sleeps; later ones print a word and are done.
"""

import sys
import time
from contextlib import suppress
from pathlib import Path

from slalom.cli.stop import Stop
from slalom.schedule.processes import Spawn
from slalom.schedule.scheduler import Scheduler, Waits
from slalom.schedule.server import serve, server_name
from slalom.schedule.store import open_store

SLEEPS = "import time; print('sleeps', flush=True); time.sleep(600)"
DONE = "print('done')"


def command(run):
    return [sys.executable, "-c", DONE if run.attempt else SLEEPS]


def main(url, logs):
    stop = Stop()
    stop.listen()
    store = open_store(url, "the tests' own")
    waits = Waits(lease=1.5, grace=1.0)
    scheduler = Scheduler(store, server_name(), time.time, Spawn(command, Path(logs)), waits, say=print)
    with suppress(KeyboardInterrupt), stop.between_turns(lambda _: None) as turn:
        serve(scheduler, turn, tick_seconds=0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
