"""The decision boundaries of a study's nets on the mixture, beside the best possible one, as a picture.

As in Figure 11.4 of "The Elements of Statistical Learning": an arm's kept net (the best of its confirm seeds by
validation) on the training points.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import mlflow
import numpy as np

from slalom_worker.tasks import open_task
from slalom_worker.tasks.mixture import GRID

if TYPE_CHECKING:
    import slalom

COLOURS = np.array(["tab:blue", "tab:orange"])


def draw(result: slalom.Result, picture: Path) -> None:
    """A panel for each arm of a finished study of the task `mixture`."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    data = open_task(result.spec.task, result.spec.folder).load()
    half = len(data.test.labels) // 2
    points, weights = data.test.inputs[:half], data.test.weights
    assert weights is not None
    density = weights[:half] + weights[half:]
    best = np.where(density > 0, weights[half:] / np.where(density > 0, density, 1.0), np.nan)
    mlflow.set_tracking_uri(result.home.tracking_uri)
    figure, panels = plt.subplots(1, len(result.arms), figsize=(4 * len(result.arms), 4), sharex=True, sharey=True)
    for panel, arm in zip(panels, result.arms, strict=True):
        net = mlflow.pyfunc.load_model(f"models:/{result.spec.name}.{arm.name}/latest")
        panel.scatter(*data.train.inputs.T, s=6, c=COLOURS[data.train.labels])
        boundary(panel, points, best, "tab:purple", "dashed")
        boundary(panel, points, np.asarray(net.predict(points))[:, 1], "black", "solid")
        assert arm.confirm is not None
        panel.set_title(f"{arm.name}: mean test error {arm.confirm.mean:.3f}", fontsize=10)
    figure.suptitle("Net (solid) and Bayes boundary (dashed)", fontsize=10)
    figure.tight_layout()
    figure.savefig(picture, dpi=80, metadata={"Software": None})


def boundary(panel: Any, points: np.ndarray, probability: np.ndarray, colour: str, style: str) -> None:
    """Where class 1 is as likely as class 0, from probabilities at the grid's points."""
    x, y = (points[:, axis].reshape(GRID) for axis in range(2))
    panel.contour(x, y, probability.reshape(GRID), levels=[0.5], colors=colour, linestyles=style, linewidths=1.2)
