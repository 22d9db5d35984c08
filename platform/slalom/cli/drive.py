"""What a submitted job runs on the cluster: `python -m slalom.cli.drive`, in the folder that was sent."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slalom import wiring
from slalom.cli.stop import Stop
from slalom.errors import Crashed, InputError, Interrupted, SlalomError
from slalom.loop.notes import Note, Notes
from slalom.submit import submission
from slalom.verdict.summary import State

if TYPE_CHECKING:
    from slalom.home import Home

PREDECESSOR_SECONDS = 60.0

JOB_SECONDS = 45.0
"""The time in which a job that was told to stop must have written and closed all: less than Ray gives it."""


def main() -> int:
    """Run the study in this folder, or go on with it; gives the exit code that `slalom run` would."""
    stop = Stop()
    stop.listen()
    try:
        _drive(stop)
    except (Interrupted, KeyboardInterrupt):
        print(submission.STOPPED)
        return Interrupted.exit_code
    except SlalomError as exc:
        print(f"slalom: {exc}", file=sys.stderr)
        return exc.exit_code
    except BaseException as exc:  # noqa: BLE001 (told whole, and by an exit code of its own)
        sys.excepthook(type(exc), exc, exc.__traceback__)
        return Crashed.exit_code
    return 0


def _drive(stop: Stop) -> None:
    from slalom import api
    from slalom.cli.terminal import verdict
    from slalom.status.namesakes import extended
    from slalom.status.watch import Watch

    sent = submission.read(Path.cwd())
    sent.check_here()
    spec = replace(api.load(sent.file), commit=sent.commit)
    if spec.fingerprint != sent.fingerprint:
        raise InputError(
            f"{sent.file}: its fingerprint is {spec.fingerprint} on the cluster, but was {sent.fingerprint} where it "
            "was submitted: the task's data differ, or the file was changed meanwhile"
        )
    home = sent.place()
    try:
        _await_predecessor(home)
        store = wiring.store(spec, home)
        if not sent.anew:
            extended(spec, store, home)
        store.note(Note.SUBMISSION, sent.noted())
        with Watch() as watch, stop.between_turns(watch, JOB_SECONDS) as turn:
            result = api.run(spec, home, ray="auto", watch=turn, anew=sent.anew)
    except (Interrupted, KeyboardInterrupt) as exc:
        # Only `slalom stop` tells a job to stop. One whose head is gone is killed, and its note stays.
        store = wiring.store(spec, home)
        store.note(Note.SUBMISSION, None)
        if not Notes.read(store.notes()).recorded:
            store.note(Note.STATE, State.INTERRUPTED)
            raise Interrupted("stopped") from exc
        result = api.show(spec, home)
    else:
        wiring.store(spec, home).note(Note.SUBMISSION, None)
    verdict(result)
    print(submission.ENDED)


def _await_predecessor(home: Home) -> None:
    """Wait until an earlier driver has left the home, for PREDECESSOR_SECONDS at most.

    A driver whose head died is killed within seconds, but the next head may be quicker.
    """
    deadline = time.monotonic() + PREDECESSOR_SECONDS
    while (home.folder / "lock").exists() and not home.deserted and time.monotonic() < deadline:
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
