"""Models in MLflow: they load, and say what their nets say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from slalom.errors import InputError
from slalom.wire.trial import Phase, Work
from slalom_worker.net.modules import build_module
from slalom_worker.serving import freeze
from slalom_worker.tasks import open_task
from tests.records.recorded import client, load, record, weights_for
from tests.support.programs import stand_in
from tests.support.record_samples import SETTINGS, WORK, ended, runs_in


@pytest.mark.parametrize("kind", ["models", "runs", "registry"])
def test_a_model_loads_and_predicts(uri, tmp_path, kind):
    trial = ended("rising", 0, Phase.CONFIRM)
    weights = weights_for(WORK, tmp_path, (64,), 10)
    shown = record(uri, ("trials", [trial]), ("model", trial.spec, weights))
    page = shown["momentum", "rising", "rising search 0 confirm 0"]
    assert (page["files"], page["registered"]) == (["members"], [("momentum.rising", 1)])
    model = load(uri, kind)
    inputs = np.random.default_rng(0).random((5, 64), dtype=np.float32)
    found = model.predict(inputs)
    module = build_module(WORK, stand_in((64,), 10), open_task(WORK.task, tmp_path), seed=3)
    expected = module(torch.as_tensor(inputs)).softmax(1).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict(pd.DataFrame(inputs)), expected, rtol=1e-6)
    assert model.metadata.get_input_schema().inputs[0].shape == (-1, 64)


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_an_ensemble_is_a_registered_model_that_says_what_its_members_say(uri, tmp_path, combine):
    chosen = {**SETTINGS, "ensemble": {"combine": combine, "members": 3, "bagging": True}}
    trial = ended("rising", 0, Phase.CONFIRM, settings=chosen)
    seeds = (3, 4, 5)
    record(uri, ("trials", [trial]), ("model", trial.spec, weights_for(WORK, tmp_path, (64,), 10, seeds)))
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    files = [file.path for file in client(uri).list_artifacts(run.info.run_id, "members")]
    assert sorted(files) == [f"members/0{m}.safetensors" for m in range(3)]
    inputs = np.random.default_rng(0).random((50, 64), dtype=np.float32)
    modules = [build_module(WORK, stand_in((64,), 10), open_task(WORK.task, tmp_path), seed) for seed in seeds]
    each = np.stack([module(torch.as_tensor(inputs)).softmax(1).detach().numpy() for module in modules])
    expected = each.mean(0) if combine == "mean" else np.eye(10)[each.argmax(-1)].mean(0)
    np.testing.assert_allclose(load(uri, "registry").predict(inputs), expected, rtol=1e-6)


def test_members_beyond_a_hundred_keep_their_order(uri, tmp_path):
    chosen = {**SETTINGS, "ensemble": {"combine": "mean", "members": 101, "bagging": False}}
    trial, small = ended("rising", 0, Phase.CONFIRM, settings=chosen), {"1.weight": torch.zeros(2, 3)}
    record(uri, ("trials", [trial]), ("model", trial.spec, [freeze(small, stand_in((3,), 2))] * 101))
    (run,) = [run for run in runs_in(uri) if "slalom.model" in run.data.tags]
    files = sorted(file.path for file in client(uri).list_artifacts(run.info.run_id, "members"))
    assert (files[0], files[-1]) == ("members/000.safetensors", "members/100.safetensors")


def test_a_model_of_a_users_own_task_takes_the_task_along(uri, tmp_path):
    file = tmp_path / "studies" / "cats.py"
    file.parent.mkdir()
    file.write_text(
        "import torch\n"
        "class Cats:\n"
        "    def load(self): raise RuntimeError('the data is elsewhere')\n"
        "    def model(self, width): return torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Linear(width, 2))\n"
    )
    work = Work({"name": "studies/cats.py:Cats"}, {"width": 4}, 8, "float64")
    weights = weights_for(work, tmp_path, (3,), 2)
    trial = ended("rising", 0, Phase.CONFIRM, work=work)
    record(
        uri,
        ("trials", [trial]),
        ("model", trial.spec, weights),
        work=work,
        folder=tmp_path,
        code=(Path("studies/cats.py"),),
    )
    file.unlink()
    found = load(uri, "models").predict(np.zeros((2, 3), np.float32))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_weights_of_another_model_are_refused(uri, tmp_path):
    trial = ended("rising", 0, Phase.CONFIRM)
    record(
        uri, ("trials", [trial]), ("model", trial.spec, [freeze({"1.weight": torch.zeros(2, 3)}, stand_in((64,), 10))])
    )
    with pytest.raises(InputError, match="weights must be those of"):
        load(uri, "models")
