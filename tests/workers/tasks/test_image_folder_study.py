"""Studies of a folder of pictures: to the verdict, to a model that answers, and in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import pytest
from PIL import Image

import slalom
from slalom import wiring
from slalom.errors import InputError
from slalom.wire.trial import Outcome, Turn, Work, task_key
from slalom_worker.lane.worker import LaneWorker
from tests.support.mlflow_tables import database
from tests.workers.models.picture_trials import CROSS_ENTROPY, model
from tests.workers.tasks.sample_pictures import fill
from tests.workers.test_serving import answers, kept
from tests.workers.trials import CPU, order, settings, trial

if TYPE_CHECKING:
    from pathlib import Path

STUDY = {
    "name": "patches",
    "question": "Does it help to take the mean picture away?",
    "model": {"name": "alexnet_small", "width": 2},
    "training": {"epochs": 2, "batch_size": 16, "optimizer": "momentum"},
    "search": {"learning_rate": {"log": [0.003, 0.03]}},
    "arms": {"single": {}, "centred": {"preprocess": "center"}},
    "tune": {"trials": 2, "searches": 2, "pick": "none", "pruner": "none"},
    "confirm": {"seeds": 2},
    "compare": {"baseline": "single"},
    "resources": {"pack_width": 4},
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("patches")
    fill(folder / "data", 40)
    task = {"name": "image_folder", "data": str(folder / "data"), "cache": str(folder / "cache"), "size": 32}
    database(folder / "home")
    return slalom.run(slalom.Study(**STUDY, task=task), folder / "home", lanes=wiring.local_lanes)


def test_a_study_runs_to_its_verdict(ran: Any) -> None:
    assert ran.verdict is not None
    assert all(arm.reproduced for arm in ran.arms)
    assert any(note.startswith("80 pictures of 2 classes, decoded to ") for note in ran.spec.notes)
    assert wiring._data_of(ran.spec) is None


@pytest.mark.parametrize("arm", ["single", "centred"])
def test_a_kept_model_answers_to_bytes_of_pictures_alone(ran: Any, arm: str) -> None:
    loaded, spec = kept(ran, arm)
    examples, wanted = answers(spec)
    assert examples.inputs.dtype == np.uint8
    np.testing.assert_allclose(loaded.predict(examples.inputs), wanted, rtol=1e-5, atol=1e-6)
    with pytest.raises(mlflow.exceptions.MlflowException, match="uint8"):
        loaded.predict(examples.inputs / np.float32(255))
    with pytest.raises(InputError, match=r"inputs must be the bytes of pictures, whole numbers in \[0, 255\]"):
        loaded._model_impl.predict(examples.inputs / np.float32(255))
    np.testing.assert_array_equal(
        loaded._model_impl.predict(examples.inputs.astype(float)), loaded.predict(examples.inputs)
    )


def test_a_node_with_other_pictures_trains_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "data", 8)
    options = {"data": str(tmp_path / "data"), "cache": str(tmp_path / "cache"), "size": 32}
    of = Work({"name": "image_folder", **options}, model("convnet"), 4, "float32", CROSS_ENTROPY)
    worker = LaneWorker(".", 2, device=CPU, digests={task_key(of.task): "f" * 64})
    reply = worker.turn(Turn((order(trial(0, of, settings())),)))
    assert [one.outcome for one in reply.results] == [Outcome.FAILED]
    assert "every node must have the study's data, of the digest ffffffffffff, but " in reply.results[0].error


PICTURES, SIDE = 12000, 64
OWN_MEGABYTES = 140
"""What training may take for itself; the pictures take 147 MB as bytes and 590 MB as float32."""
TRAIN = """
import resource, sys
from slalom_worker.lane.device import open_device
open_device()
from slalom.wire.trial import Phase, Turn, Work
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.tasks import open_task
from tests.workers.models.picture_trials import CROSS_ENTROPY, model
from tests.workers.trials import CPU, order, settings, trial

data, cache, size, most = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) << 20
net = model("convnet", channels=(2,), kernels=(8,), strides=(8,), full=())
of = Work({"name": "image_folder", "data": data, "cache": cache, "size": size}, net, 32, "float32", CROSS_ENTROPY)
warm = LaneWorker(".", 2, turn_seconds=1e9, device=CPU)
digits = Work({"name": "digits"}, model("convnet"), 32, "float32", CROSS_ENTROPY)
warm.turn(Turn((order(trial(0, digits, settings(), epochs=1)),)))
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) << 10
resource.setrlimit(resource.RLIMIT_DATA, (own + most, own + most))
specs = [trial(n, of, settings("momentum"), Phase.CONFIRM, 1, split) for n, split in enumerate((None, 1))]
reply = LaneWorker(".", 1, turn_seconds=1e9, device=CPU).turn(Turn(tuple(order(one) for one in specs)))
print(*(one.outcome.value for one in reply.results))
"""


def test_training_takes_no_memory_for_the_set(tmp_path: Path) -> None:
    """The system refuses what is more; a copy of all pictures, in bytes or as numbers, would be."""
    chance = np.random.default_rng(0)
    for name in ("dark", "light"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(PICTURES // 2):
            pixels = chance.integers(0, 128, (16, 16, 3), dtype=np.uint8) + np.uint8(100 * (name == "light"))
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{number}.png")
    words = [str(tmp_path / "data"), str(tmp_path / "cache"), str(SIDE), str(OWN_MEGABYTES)]
    freed_at_once = {"MALLOC_MMAP_THRESHOLD_": "1000000"}  # so that what counts is held, and not kept for later
    paths = {**os.environ, **freed_at_once, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", TRAIN, *words], capture_output=True, text=True, env=paths, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["complete", "complete"]
    assert PICTURES * 3 * SIDE**2 > OWN_MEGABYTES << 20
