"""Recording into an SQLite file, and a look at what is on record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.records.on_mlflow import MlflowRecorder
from slalom.wire.trial import Work
from slalom_worker.net.modules import build_module, weights_of
from slalom_worker.serving import freeze
from slalom_worker.tasks import open_task
from tests.support.programs import stand_in
from tests.support.record_samples import describe, load_model, runs_in, shown_in, study

if TYPE_CHECKING:
    from collections.abc import Sequence


def record(uri: str, *calls: tuple[str, Any], **changes: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    """Makes the calls on a new recorder, and gives what is shown then."""
    recorder = MlflowRecorder(
        uri, Path(uri.removeprefix("sqlite:///")).parent / "artifacts", study(**changes), describe
    )
    for name, *values in calls:
        getattr(recorder, name)(*values)
    recorder.close()
    return shown_in(uri)


def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri)


def weights_for(
    work: Work, folder: Path, shape: tuple[int, ...], classes: int, seeds: Sequence[int] = (3,)
) -> list[bytes]:
    task, data = open_task(work.task, folder), stand_in(shape, classes)
    return [freeze(weights_of(build_module(work, data, task, seed)), data) for seed in seeds]


def load(uri: str, kind: str) -> Any:
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    places = {
        "models": f"models:/{run.data.tags['slalom.model']}",
        "runs": f"runs:/{run.info.run_id}/model",
        "registry": "models:/momentum.rising/1",
    }
    return load_model(uri, places[kind])
