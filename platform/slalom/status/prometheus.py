"""What `serve` tells Prometheus: the facts of `slalom status`, read from the storage at every look."""

from __future__ import annotations

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from slalom.errors import Infrastructure, InputError
from slalom.schedule.values import REGRESSED_CODE, RunOutcome
from slalom.verdict.summary import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.core import Metric

    from slalom.status.status import Status, StudyStatus

STUDY = ("study", "fingerprint")
ANSWER_SECONDS = 10.0
"""The time within which a client must send its request, and take the answer."""

OUTCOMES = ("pruned", "diverged", "failed")
STUDY_GAUGES: dict[str, tuple[str, Callable[[StudyStatus], float | None]]] = {
    "running": ("1 while the study is under way", lambda study: study.state is State.RUNNING),
    "trials": ("Trials that ended", lambda study: study.done),
    "budget": ("Trials that there will be", lambda study: study.budget),
    "lanes": ("Lanes at work", lambda study: study.lanes),
    "training": ("Trials that the lanes train", lambda study: study.training),
    "waiting": ("Orders that wait for a lane", lambda study: study.waiting),
    "trials_per_second": ("Of the last run", lambda study: study.trials_per_second),
    "slot_utilisation": ("Slot-epochs that trained a trial, of those there were", lambda study: study.slot_utilisation),
}


class Facts(Collector):
    """A status as Prometheus metrics.

    leads: whether the server that is asked leads
    """

    def __init__(self, status: Status, leads: bool) -> None:
        self._status = status
        self._leads = leads

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client."""
        yield GaugeMetricFamily("slalom_server_leads", "1 for the server that starts the runs", float(self._leads))
        yield from self._studies()
        yield from self._schedules()
        runs = CounterMetricFamily("slalom_schedule_runs", "Runs that ended", labels=("schedule", "outcome"))
        # from 0 on, since a counter whose first sample is 1 has not risen
        none = {(schedule.name, outcome): 0 for schedule in self._status.schedules for outcome in RunOutcome}
        for (schedule, outcome), count in {**none, **self._status.counts}.items():
            runs.add_metric((schedule, outcome), count)
        yield runs

    def _studies(self) -> Iterator[Metric]:
        for name, (about, value) in STUDY_GAUGES.items():
            gauge = GaugeMetricFamily(f"slalom_study_{name}", about, labels=STUDY)
            for study in self._status.studies:
                if (found := value(study)) is not None:
                    gauge.add_metric((study.study, study.fingerprint), float(found))
            yield gauge
        ended = GaugeMetricFamily("slalom_study_trials_by_outcome", "Trials that told less", labels=(*STUDY, "outcome"))
        for study in self._status.studies:
            for outcome in OUTCOMES:
                if (count := getattr(study, outcome)) is not None:
                    ended.add_metric((study.study, study.fingerprint, outcome), count)
        yield ended

    def _schedules(self) -> Iterator[Metric]:
        status = self._status
        due = _by_schedule("next_run_timestamp_seconds", "When the schedule is due")
        running = _by_schedule("running", "1 while a run goes on")
        code = _by_schedule("last_exit_code", f"Of the last run that ended; {REGRESSED_CODE}: regressed")
        failed = _by_schedule("failed", "1 where the last run that ended did not end well; 0 before there was one")
        ended = _by_schedule("last_end_timestamp_seconds", "When the last run that ended did")
        seconds = _by_schedule("last_duration_seconds", "How long the last run that ended took")
        for schedule in status.schedules:
            name = (schedule.name,)
            due.add_metric(name, schedule.due)
            last = status.newest.get(schedule.name)
            running.add_metric(name, float(last is not None and last.ended is None))
            # not of one that goes on: an alert stays until another run has ended well
            done = status.ended.get(schedule.name)
            failed.add_metric(name, float(done is not None and done.outcome is not RunOutcome.OK))
            if done is not None and done.ended is not None:
                ended.add_metric(name, done.ended)
                seconds.add_metric(name, done.ended - done.started)
                if done.exit_code is not None:
                    code.add_metric(name, done.exit_code)
        yield from (due, running, failed, code, ended, seconds)


def _by_schedule(name: str, about: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"slalom_schedule_{name}", about, labels=("schedule",))


def page(status: Status, leads: bool) -> bytes:
    """The text that Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(Facts(status, leads))
    return generate_latest(registry)


@contextmanager
def pages(
    address: tuple[str, int], look: Callable[[], tuple[Status, bool]], healthy: Callable[[], bool]
) -> Iterator[int]:
    """Serve /metrics and /healthz from a thread of their own; gives the port.

    look: how things stand, and whether this server leads; Infrastructure where the storage does not answer
    healthy: whether the scheduler is in touch with its database
    Raises InputError where the address cannot be listened at.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = ANSWER_SECONDS

        def do_GET(self) -> None:
            if self.path == "/healthz":
                well = healthy()
                self._answer(200 if well else 503, "text/plain", b"ok\n" if well else b"no word from the database\n")
            elif self.path == "/metrics":
                self._metrics()
            else:
                self._answer(404, "text/plain", b"/metrics or /healthz\n")

        do_HEAD = do_GET  # noqa: N815 (the name that http.server looks for)

        def _metrics(self) -> None:
            try:
                text = page(*look())
            except Infrastructure as exc:
                self._answer(503, "text/plain; charset=utf-8", f"{exc}\n".encode())
            else:
                self._answer(200, CONTENT_TYPE_LATEST, text)

        def _answer(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        def log_message(self, *_: object) -> None:
            """Says nothing: a look every few seconds is no news."""

    try:
        server = ThreadingHTTPServer(address, Handler)
    except OSError as exc:
        raise InputError(f"--metrics-port: cannot listen at {address[0]}:{address[1]}: {exc.strerror}") from exc
    # An answer under way is waited for: a thread that is within a library when Python ends may crash the process.
    server.daemon_threads = False
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
