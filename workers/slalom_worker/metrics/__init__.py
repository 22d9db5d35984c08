"""The metrics that decide a study, or that it can record: one line here each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom_worker.metrics.base import Metric
from slalom_worker.metrics.of_classes import auc, balanced_accuracy, log_loss, macro_f1
from slalom_worker.metrics.of_numbers import mae, r2, rmse
from slalom_worker.metrics.passes import PASSES

if TYPE_CHECKING:
    from collections.abc import Mapping

METRICS: Mapping[str, Metric] = {
    "error": Metric(None, "minimize", "classes", worst=1.0),
    "accuracy": Metric(None, "maximize", "classes", worst=0.0),
    "loss": Metric(None, "minimize"),
    "passes": PASSES,
    "balanced_accuracy": Metric(balanced_accuracy, "maximize", "classes", worst=0.0),
    "macro_f1": Metric(macro_f1, "maximize", "classes", worst=0.0),
    "auc": Metric(auc, "maximize", "classes", worst=0.0),
    "log_loss": Metric(log_loss, "minimize", "classes"),
    "mae": Metric(mae, "minimize", "numbers"),
    "rmse": Metric(rmse, "minimize", "numbers"),
    "r2": Metric(r2, "maximize", "numbers"),
}

__all__ = ["METRICS", "Metric"]
