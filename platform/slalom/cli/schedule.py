"""`slalom schedule` and `slalom serve`."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.cli.options import ScheduledParser, add_json, add_place, add_ray, add_study, home_of
from slalom.errors import InputError, quoted
from slalom.urls import STORAGE, TRACKING_URI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.home import Home
    from slalom.schedule.scheduler import Scheduler
    from slalom.schedule.store import ScheduleStore
    from slalom.schedule.values import Run, StudySchedule


UNITS = {"h": 3600, "m": 60, "s": 1}


def add(commands: Any) -> None:
    """Add both commands to the subparsers of the command line."""
    about = "studies at set times, which `slalom serve` runs"
    group = commands.add_parser("schedule", help=about, description=about)
    ways = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command, help_, adder in (
        ("add", _add, "run a study at set times from now on", _what),
        ("list", _list, "all schedules, and what came of their last runs", _json),
        ("remove", _remove, "run it no more; what it ran stays on record", _name),
        ("run-now", _run_now, "run it as soon as a server can, beside its set times", _name),
    ):
        one = ways.add_parser(name, help=help_, description=help_)
        one.set_defaults(command=command)
        add_place(one)
        adder(one)
        if name == "add":
            add_study(one)
    _add_serve(commands)


def _add_serve(commands: Any) -> None:
    about = "run what is scheduled, until it is stopped; of several servers on one storage one leads"
    parser = commands.add_parser("serve", help=about, description=about)
    parser.set_defaults(command=_serve)
    add_place(parser)
    add_ray(parser)
    parser.add_argument("--jobs", type=_count, default=1, metavar="N", help="runs at once (default: %(default)s)")
    parser.add_argument("--metrics-port", type=_port, metavar="PORT", help="serve /metrics and /healthz there")
    parser.add_argument("--metrics-host", default="127.0.0.1", metavar="HOST", help="listen at (default: %(default)s)")


def _what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="the schedule's own (default: the study's)")
    parser.add_argument("--cron", required=True, metavar="EXPRESSION", help="when, such as '0 3 * * *'")
    parser.add_argument("--timezone", default="UTC", metavar="ZONE", help="where (default: %(default)s)")
    parser.add_argument("--time-limit", type=_seconds, metavar="TIME", help="stop a run after it, such as 2h or 1h30m")
    parser.add_argument("--command", dest="how", choices=("regress", "run"), default="regress", help="of slalom")
    parser.add_argument(
        "--arguments", default="", metavar="TEXT", help="further ones of the command, such as '--max-seeds 20'"
    )


def _json(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a schedule's, see `slalom schedule list`")


def _seconds(text: str) -> float:
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    seconds = (
        sum(int(part) * unit for part, unit in zip(parts.groups("0"), UNITS.values(), strict=True)) if parts else 0
    )
    if seconds:
        return float(seconds)
    raise argparse.ArgumentTypeError(f"a time is such as 2h, 1h30m or 90s, and more than none, but got {quoted(text)}")


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"a whole number from 1, but got {quoted(text)}")


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"a whole number up to {2**16 - 1}, where 0 is any free port, but got {quoted(text)}"
    )


def _add(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.schedule.cron import Cron
    from slalom.schedule.values import StudySchedule

    cron = Cron(options.cron, options.timezone)
    spec = api.load(options.study)
    study = str(Path(options.study).resolve()) if Path(options.study).suffix else options.study
    schedule = StudySchedule(
        name=options.name or spec.name,
        study=study,
        command=options.how,
        cron=cron,
        due=cron.after(time.time()),
        time_limit=options.time_limit,
        arguments=options.arguments,
    )
    parsed = _parsed(schedule)
    if schedule.command == "regress":
        schedule = replace(schedule, arguments=options.arguments + _pinned(parsed.baseline, options.study, spec.name))
    _book(options).add(schedule)
    print(f"{schedule.name}: next at {when(schedule, schedule.due)}, by a server that `slalom serve` starts")


def _parsed(schedule: StudySchedule) -> argparse.Namespace:
    """The options of the command that a run executes; InputError where the command would refuse its arguments."""
    import shlex

    from slalom.cli import regression, study

    parser = ScheduledParser()
    commands = parser.add_subparsers()
    for group in (study, regression):
        group.add(commands)
    return parser.parse_args([schedule.command, schedule.study, *shlex.split(schedule.arguments)])


def _pinned(chosen: Path | None, study: str, name: str) -> str:
    """The argument that names the baseline by its whole path, since a server has another current folder.

    chosen: the file that the schedule's arguments name
    Raises InputError where the regression would have no baseline to be held against.
    """
    import shlex

    from slalom.cli.regression import baseline_file
    from slalom.regression.baseline import Baseline

    file = chosen or baseline_file(study, name)
    try:
        Baseline.read(file)
    except InputError as exc:
        raise InputError(f"{exc}; or schedule the study itself, with --command run") from exc
    return "" if file.is_absolute() and chosen else f" --baseline {shlex.quote(str(file.resolve()))}"


def _list(options: argparse.Namespace) -> None:
    from slalom.status.reader import StatusReader
    from slalom.verdict.wording import columns

    status = StatusReader(home_of(options)).read(time.time())
    if options.json:
        print(json.dumps(status.as_json()["schedules"], indent=2, allow_nan=False))
        return
    rows = [
        (one.name, one.command, one.cron.expression, when(one, one.due), _last(one, status.newest.get(one.name)))
        for one in status.schedules
    ]
    print("\n".join(columns(("name", "command", "cron", "next", "last"), rows)))


def _remove(options: argparse.Namespace) -> None:
    _known_book(options).remove(options.name)


def _run_now(options: argparse.Namespace) -> None:
    book = _known_book(options)
    now = time.time()
    book.ask(options.name, now)
    lease = book.lease()
    if lease is None or lease.expires <= now:
        print(f"{options.name}: runs when a server is up; `slalom serve` starts one", file=sys.stderr)


def _serve(options: argparse.Namespace) -> None:
    from slalom.schedule.processes import Spawn
    from slalom.schedule.scheduler import Scheduler
    from slalom.schedule.server import serve, server_name

    home = home_of(options)
    if options.jobs > 1 and (options.storage is None or options.tracking_uri is None):
        raise InputError(
            "--jobs: runs at once need --storage and --tracking-uri, since one home takes one run at a time"
        )
    spawn = Spawn(lambda run: _command(run, options), home.folder / "logs", _environment(options))
    scheduler = Scheduler(_book(options), server_name(), time.time, spawn, jobs=options.jobs, say=_say)
    with (
        suppress(KeyboardInterrupt),
        _metrics(options, home, scheduler),
        options.stop.between_turns(lambda _: None, None) as turn,
    ):
        _say(f"server {scheduler.server}, logs in {spawn.logs}")
        serve(scheduler, turn)


@contextmanager
def _metrics(options: argparse.Namespace, home: Home, scheduler: Scheduler) -> Iterator[None]:
    if options.metrics_port is None:
        yield
        return
    from slalom.status.prometheus import pages
    from slalom.status.reader import StatusReader

    reader = StatusReader(home)
    address = (options.metrics_host, options.metrics_port)
    with pages(address, lambda: (reader.read(time.time()), scheduler.leads), lambda: scheduler.in_touch) as port:
        _say(f"metrics at http://{options.metrics_host}:{port}/metrics")
        yield


def _command(run: Run, options: argparse.Namespace) -> list[str]:
    """What a server's child executes: the command that a person would type, with the server's own places."""
    import shlex

    from slalom.schedule.values import REGRESSED_CODE

    home = options.home if options.jobs == 1 else options.home / "jobs" / run.schedule
    words = [sys.executable, "-m", "slalom.cli", run.command, run.study, "--home", str(home)]
    words += [] if options.ray is None else ["--ray", options.ray]
    words += shlex.split(run.arguments)
    return [*words, "--exit-code", str(REGRESSED_CODE)] if run.command == "regress" else words


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """What a server's child finds in its environment beside the server's own: the places, which may hold passwords."""
    places = {STORAGE: options.storage, TRACKING_URI: options.tracking_uri}
    return {name: value for name, value in places.items() if value is not None}


def _book(options: argparse.Namespace) -> ScheduleStore:
    from slalom.schedule.store import open_store

    home = home_of(options)
    return open_store(home.storage_url, home.shown()["storage"])


def _known_book(options: argparse.Namespace) -> ScheduleStore:
    """The store of schedules; InputError where there is no home, since opening the store would make one."""
    home = home_of(options)
    if not home.has_trials:
        raise InputError(f"there is no schedule {quoted(options.name)}: nothing is in {home.shown()['home']}")
    return _book(options)


def _say(line: str) -> None:
    print(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {line}", file=sys.stderr, flush=True)


def when(schedule: StudySchedule, moment: float) -> str:
    """A time in seconds since the epoch, in the schedule's own zone, such as 2026-11-25 03:00 CET."""
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(moment, ZoneInfo(schedule.cron.timezone)).strftime("%Y-%m-%d %H:%M %Z")


def _last(schedule: StudySchedule, run: Run | None) -> str:
    if run is None:
        return "never run"
    return f"{run.outcome or 'running'}, started {when(schedule, run.started)}"
