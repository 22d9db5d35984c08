"""What a kept trial's nets have learned, at the trial's run: metrics, and files among its artifacts."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mlflow.entities import Metric

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from slalom.wire.learned import Learned
    from slalom.wire.trial import TrialSpec


def log_learned(client: MlflowClient, run_id: str, trial: TrialSpec, learned: Learned) -> None:
    """Write it to the run `run_id`, the metrics at the trial's last epoch; MLflow's exceptions pass through."""
    if learned.files:
        with TemporaryDirectory() as folder:
            for place, content in learned.files.items():
                file = Path(folder, place)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            client.log_artifacts(run_id, folder)
    if learned.metrics:
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, trial.epochs) for name, value in learned.metrics.items()]
        client.log_batch(run_id, metrics, synchronous=True)
