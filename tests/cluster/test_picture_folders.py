"""A folder of pictures on a cluster of two nodes: nobody sends them, and the numbers are those of this process."""

from __future__ import annotations

import slalom
from slalom import wiring
from tests.cluster.crews import Slowly
from tests.cluster.studies import DOCUMENT, rows, run_here
from tests.support.mlflow_tables import database
from tests.workers.tasks.sample_pictures import fill


def test_every_node_reads_the_pictures_itself(cluster, tmp_path):
    fill(tmp_path / "data", 30)
    task = {"name": "image_folder", "data": str(tmp_path / "data"), "cache": str(tmp_path / "cache"), "size": 32}
    model = {"name": "convnet", "channels": [2], "kernels": 5, "strides": 3, "full": []}
    study = slalom.Study(**{**DOCUMENT, "name": "patches", "task": task, "model": model})
    expected = run_here(study)
    assert wiring._data_of(study) is None
    database(tmp_path / "home")
    slowly = Slowly(cluster.address, 2)
    result = slalom.run(study, tmp_path / "home", lanes=slowly.start)
    assert rows(result.export()) == expected
    assert len(set(slowly.nodes)) == len(slowly.nodes) == 2
