"""Studies and nights as runs of MLflow experiments. Slalom imports MLflow in this package alone.

Making a recorder loads no MLflow: the recorder's thread does so, or the first night that is recorded.
"""

from slalom.records.on_mlflow.browser import pages, serve
from slalom.records.on_mlflow.nights import MlflowNights
from slalom.records.on_mlflow.recorder import MlflowRecorder

__all__ = ["MlflowNights", "MlflowRecorder", "pages", "serve"]
