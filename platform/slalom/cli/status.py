"""`slalom status`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from slalom.cli.options import add_json, add_place, home_of
from slalom.cli.schedule import when

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from slalom.schedule.values import Run, StudySchedule
    from slalom.status.status import Status, StudyStatus


def add(commands: Any) -> None:
    """Add the command to the subparsers of the command line."""
    about = "studies, lanes, queues, schedules and their last runs; only reads"
    parser = commands.add_parser("status", help=about, description=about)
    parser.set_defaults(command=_status)
    add_place(parser)
    add_json(parser)


def _status(options: argparse.Namespace) -> None:
    from slalom.status.reader import StatusReader

    home = home_of(options)
    status = StatusReader(home).read(time.time())
    if options.json:
        print(json.dumps(status.as_json(), indent=2, allow_nan=False))
        return
    print("\n".join(_lines(status, home.shown()["storage"])))


def _lines(status: Status, storage: str) -> Iterator[str]:
    from slalom.verdict.wording import columns

    if not (status.studies or status.schedules):
        yield f"nothing is in {storage} yet"
        return
    head = ("study", "state", "trials", "failed", "diverged", "lanes", "training", "waiting", "trials/s", "slots used")
    yield from columns(head, [_study(study) for study in status.studies])
    yield from status.namesakes
    if status.schedules:
        yield ""
        rows = [_schedule(one, status.newest.get(one.name)) for one in status.schedules]
        yield from columns(("schedule", "next", "last run", "outcome", "exit code"), rows)
        yield ""
        yield f"server {status.leader} leads" if status.leader else "no server is up: `slalom serve` starts one"


def _study(study: StudyStatus) -> tuple[str, ...]:
    used = study.slot_utilisation
    rate = study.trials_per_second
    return (
        f"{study.study} {study.fingerprint}",
        study.state,
        "" if study.done is None else f"{study.done} / {study.budget}",
        *("" if count is None else str(count) for count in (study.failed, study.diverged)),
        *map(str, (study.lanes, study.training, study.waiting)),
        "" if rate is None else f"{rate:.2g}",
        "" if used is None else f"{used:.0%}",
    )


def _schedule(schedule: StudySchedule, last: Run | None) -> tuple[str, ...]:
    if last is None:
        return (schedule.name, when(schedule, schedule.due), "", "", "")
    code = "" if last.exit_code is None else str(last.exit_code)
    times = (when(schedule, schedule.due), when(schedule, last.started))
    return (schedule.name, *times, last.outcome or "running", code)
