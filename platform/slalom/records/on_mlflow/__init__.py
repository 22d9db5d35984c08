"""The records as runs of an MLflow experiment; MLflow is imported in this package alone, and by its own thread."""

from slalom.records.on_mlflow.browser import pages, serve
from slalom.records.on_mlflow.recorder import MlflowRecorder

__all__ = ["MlflowRecorder", "pages", "serve"]
