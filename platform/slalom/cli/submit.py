"""`submit`, `logs` and `stop`: a study whose driver is a job on a Ray cluster, and goes on without this machine."""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from slalom.cli.jobs import place_job, places
from slalom.cli.options import add_anew, add_json, add_place, command, home_of
from slalom.errors import Crashed, Infrastructure, InputError, Interrupted, SlalomError, quoted_path
from slalom.urls import hosts, showable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from slalom.home import Home
    from slalom.lanes.on_ray.jobs import Job, JobServer
    from slalom.submit.submission import Submission


T = TypeVar("T")

RETRY_SECONDS = 2.0
"""The time between two tries to reach a cluster whose head is about to start."""

FOUND = {"submitted": "{} is submitted", "running": "{} runs already", "complete": "{} has ended already"}


def add(commands: Any) -> None:
    """Add the three commands to the subparsers of the command line."""
    for name, action, about in (
        ("submit", _submit, "run a study as a job on a Ray cluster, where it goes on without this machine"),
        ("logs", _logs, "what a submitted study's driver says"),
        ("stop", _stop, "stop a submitted study; its state is kept"),
    ):
        one = commands.add_parser(name, help=about, description=about)
        one.set_defaults(command=action)
        many = {"nargs": "?"} if name == "submit" else {}
        one.add_argument("study", metavar="STUDY", help="a bundled study's name, or a study file (*.yaml)", **many)
        one.add_argument("--ray", metavar="ADDRESS", required=True, help="http://HOST:8265, or ray://HOST:10001")
        if name != "stop":
            one.add_argument("--follow", action="store_true", help="show what its driver says until it ends")
        if name == "submit":
            add_place(one)
            _submit_options(one)


def _submit_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--install", action="store_true", help="send Slalom along and pip install this environment's versions there"
    )
    parser.add_argument(
        "--resume-all",
        action="store_true",
        help="submit again what was submitted with this storage and MLflow and has not ended: after a head's restart",
    )
    wait = "with --resume-all: wait so long for the head and the storage to answer (default: %(default)s)"
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help=wait)
    add_anew(parser)
    add_json(parser)


def _submit(options: argparse.Namespace) -> None:
    from slalom import api
    from slalom.study.bundled import study_file
    from slalom.submit.submission import submission

    if (options.study is None) == (not options.resume_all):
        raise InputError("submit wants either a STUDY or --resume-all")
    home = home_of(options)
    stays = _stays(home, options.ray)
    if options.resume_all:
        _resume_all(options, home)
        return
    spec = api.load(options.study)
    sent = submission(spec, study_file(options.study), home, stays=stays, install=options.install, anew=options.anew)
    server = _server(options.ray)
    state, job = place_job(server, sent)
    if options.json:
        print(json.dumps(_described(sent, state, job, options.ray), indent=2))
    else:
        _say(options, FOUND[state].format(job), state)
    if options.follow:
        for one in server.jobs(sent.id):
            if one.id == job:
                _follow(server, one, options, sys.stderr if options.json else sys.stdout)


def _resume_all(options: argparse.Namespace, home: Home) -> None:
    """Submit again all that has not ended; raises Infrastructure at the end where some could not be submitted."""
    from slalom.submit.submission import unfinished

    server, sendable = _awaited(options.wait, lambda: (_server(options.ray), unfinished(home)))
    told, failed = [], []
    for sent in sendable:
        if sent.tracking != home.shown()["tracking_uri"]:
            print(f"{sent.id} is left alone: its --tracking-uri is {sent.tracking}", file=sys.stderr)
            continue
        try:
            state, job = place_job(server, sent.at(home))
        except SlalomError as exc:
            failed.append(f"{sent.id}: {exc}")
            continue
        told.append(_described(sent.at(home), state, job, options.ray))
        print(FOUND[state].format(job), file=sys.stderr)
    if options.json:
        print(json.dumps(told, indent=2))
    if failed:
        raise Infrastructure("; ".join(failed))


def _awaited(seconds: float, reach: Callable[[], T]) -> T:
    """What `reach` returns; where it raises Infrastructure it is called again, for `seconds` at most."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return reach()
        except Infrastructure:
            if time.monotonic() >= deadline:
                raise
            time.sleep(RETRY_SECONDS)


def _logs(options: argparse.Namespace) -> None:
    server = _server(options.ray)
    job = _latest(server, options)
    if options.follow:
        _follow(server, job, options, sys.stdout)
    else:
        sys.stdout.write(server.logs(job))


def _stop(options: argparse.Namespace) -> None:
    from slalom.submit.submission import ENDED

    server = _server(options.ray)
    job = _latest(server, options)
    if job.ended:
        print(f"{job.id} has ended already: {job.status.lower()}")
        return
    job = server.stop(job)
    if ENDED in server.logs(job).splitlines():
        print(f"{job.id} has ended already: the study is complete")
        return
    print(f"{job.id} is stopped; what had ended is kept, and `slalom submit` goes on")


def _follow(server: JobServer, job: Job, options: argparse.Namespace, where: Any) -> None:
    def say(lines: str) -> None:
        where.write(lines)
        where.flush()

    try:
        job = server.follow(job, say)
    except KeyboardInterrupt:
        raise Interrupted(f"{job.id} goes on; stop it with: {_command('stop', options)}") from None
    if not job.succeeded:
        raise _failure(job)


def _failure(job: Job) -> SlalomError:
    """The exception for a job that did not succeed: its exit code is the one that `slalom run` would give."""
    kinds: dict[int | None, type[SlalomError]] = {kind.exit_code: kind for kind in (InputError, Interrupted, Crashed)}
    if job.status == "STOPPED":
        return Interrupted(f"{job.id} was stopped")
    reason = "see its log" if job.exit_code else next(iter(job.message.splitlines()), "no reason is known")
    return kinds.get(job.exit_code, Infrastructure)(f"{job.id} has failed: {reason}")


def _latest(server: JobServer, options: argparse.Namespace) -> Job:
    """A study's last job; the server forgets jobs when the head restarts."""
    from slalom import api

    spec = api.load(options.study)
    found = server.jobs(f"slalom-{spec.name}-{spec.fingerprint[:12]}")
    if not found:
        raise InputError(f"{spec.name} was not submitted to {showable(options.ray)}, since its head was started")
    return found[-1]


def _server(address: str) -> JobServer:
    from slalom.lanes.on_ray.jobs import JobServer

    return JobServer(address)


def _stays(home: Home, ray: str) -> bool:
    """Whether state of the study lies on this machine; InputError where the cluster cannot reach it there."""
    from slalom.lanes.on_ray.jobs import place

    host, _ = place(ray)
    local = [
        f"{option} {showable(url)}"
        for option, url, schemes in (
            ("--storage", home.storage_url, ()),
            ("--tracking-uri", home.tracking_uri, ("http", "https")),
        )
        if _is_local(url, schemes)
    ]
    if local and not _is_here(host):
        raise InputError(
            f"{' and '.join(local)} cannot be reached from the cluster at {host}: name a database server and an "
            "MLflow server that can, with --storage and --tracking-uri"
        )
    for url in (home.storage_url, home.tracking_uri):
        if re.match(r"sqlite[^:]*:///[^/]", url):
            raise InputError(
                f"the job runs in a folder of its own: name the file by its whole path, but got {quoted_path(url)}"
            )
    return any(urlsplit(url).scheme.startswith("sqlite") for url in (home.storage_url, home.tracking_uri))


def _is_local(url: str, servers: tuple[str, ...]) -> bool:
    """Whether only this machine can reach a URL: a file's, a loopback address, or of another scheme than `servers`."""
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite") or (servers and parts.scheme not in servers):
        return True
    return all(host in ("localhost", "127.0.0.1", "::1") for host in hosts(url))


def _is_here(host: str) -> bool:
    """Whether a host is this machine, which is so where a socket can be bound to its address."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as line:
            line.bind(place)
    except OSError:
        return False
    return True


def _described(sent: Submission, state: str, job: str, ray: str) -> dict[str, Any]:
    own = {"study": sent.name, "fingerprint": sent.fingerprint, "submission": job, "state": state}
    own["ray"] = showable(ray)
    return {**own, **places(sent)}


def _say(options: argparse.Namespace, said: str, state: str) -> None:
    print(f"{said}; it needs this machine no more." if state == "submitted" else f"{said}.")
    print(f"what it says: {_command('logs', options)} --follow")
    print(f"stop it:      {_command('stop', options)}", flush=True)


def _command(name: str, options: argparse.Namespace) -> str:
    return command(name, options.study, "--ray", options.ray)
