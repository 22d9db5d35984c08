"""The job that does a submission: one that runs, one that has done it, or a new one."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure, InputError

if TYPE_CHECKING:
    from slalom.lanes.on_ray.jobs import JobServer
    from slalom.submit.submission import Submission

COMMAND = "exec python -m slalom.cli.drive"


def place_job(server: JobServer, sent: Submission) -> tuple[str, str]:
    """The state of a submission, and the job that does it: one that runs, one that has done it, or a new one.

    Where the storage has the whole study, whoever trained it, no job is started; the server forgets jobs when its head
    is restarted, so the one that is named may be unknown to it.
    """
    earlier = server.jobs(sent.id)
    metadata = {**places(sent), "fingerprint": sent.fingerprint}
    if earlier and not earlier[-1].ended:
        if earlier[-1].metadata != metadata:
            raise InputError(f"{earlier[-1].id} runs already, with {_options(earlier[-1].metadata)}")
        return "running", earlier[-1].id
    known = bool(earlier) and earlier[-1].metadata == metadata
    if _complete(sent, believed=known and earlier[-1].succeeded):
        return "complete", earlier[-1].id if known else sent.id
    with tempfile.TemporaryDirectory(prefix="slalom-submission-") as folder:
        sent.write(Path(folder))
        number = earlier[-1].number + 1 if earlier else 1
        new = server.submit(f"{sent.id}-{number}", COMMAND, Path(folder), metadata, _environment(sent))
    # Where somebody else has submitted the same study in this instant, theirs is the one.
    return "submitted" if new else "running", f"{sent.id}-{number}"


def _complete(sent: Submission, *, believed: bool) -> bool:
    """Whether the storage has the whole study, and nobody runs it; `believed` where it cannot be reached from here."""
    from slalom import api, wiring
    from slalom.loop.notes import Notes
    from slalom.verdict.summary import State

    with tempfile.TemporaryDirectory() as folder:
        sent.write(Path(folder))
        try:
            result = api.show(Path(folder) / sent.file, sent.place())
            if result.summary.state is not State.COMPLETE:
                return False
            recorded = Notes.read(wiring.store(result.spec, sent.place()).notes()).recorded
        except InputError:
            return False
        except Infrastructure:
            return believed
    return places(sent)["tracking_uri"] in recorded


def places(sent: Submission) -> dict[str, str]:
    """Where a submission's state is kept, for people and for the job server: without passwords."""
    shown = sent.place().shown()
    return {name: shown[name] for name in ("storage", "tracking_uri")}


def _options(places: Any) -> str:
    return f"--storage {places.get('storage')} --tracking-uri {places.get('tracking_uri')}"


def _environment(sent: Submission) -> dict[str, Any]:
    if not sent.install:
        return {}
    from slalom.lanes.on_ray.jobs import installing
    from slalom.submit.submission import NUMERIC

    found = [find_spec(package) for package in ("slalom", "slalom_worker")]
    folders = [Path(one.origin).parent for one in found if one is not None and one.origin is not None]
    return installing([f"{name}=={sent.versions[name]}" for name in NUMERIC], folders)
