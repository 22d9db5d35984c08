"""What a kept trial's nets have learned, written to the trial's run: metrics, and files among its artifacts."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mlflow.entities import Metric

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from slalom.wire.learned import Learned


def log_learned(client: MlflowClient, run_id: str, learned: Learned) -> None:
    """Write what was learned to the run `run_id`, the metrics at step 0; MLflow's exceptions pass through."""
    if learned.files:
        with TemporaryDirectory() as folder:
            for place, content in learned.files.items():
                file = Path(folder, place)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            client.log_artifacts(run_id, folder)
    if learned.metrics:
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in learned.metrics.items()]
        client.log_batch(run_id, metrics, synchronous=True)
