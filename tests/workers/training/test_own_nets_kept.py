"""What is kept of nets of users: their records by layer, and the models that answer."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from slalom.errors import InputError
from slalom.wire.trial import Turn
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.regularizers import SlotDropout
from slalom_worker.serving import _load_pyfunc
from slalom_worker.tasks import open_task
from slalom_worker.training.slot import Slot
from tests.support.tiers import few
from tests.workers.checks import train
from tests.workers.net.own_nets import WORK, Flipping, Net, Tied, frozen, normalised
from tests.workers.training.test_own_nets import objective
from tests.workers.trials import CPU, order, settings, trial

FILE = """
from tests.workers.net import own_nets


class Served(own_nets.Own):
    def __init__(self, net):
        super().__init__(getattr(own_nets, net))
"""


@pytest.mark.parametrize(
    "net", few(["frozen", "normalised", "Flipping", "Random", "Tied", "Averaging", "lazy", "spectral"])
)
def test_a_registered_model_answers_as_it_was_measured(net, tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    of = replace(WORK, task={"name": "mine.py:Served", "net": net})
    lane = LaneWorker(tmp_path, 2, turn_seconds=1e9, device=CPU)
    orders = [order(trial(n, of, settings("adam", learning_rate=0.05), epochs=3), keep_weights=True) for n in range(2)]
    data = open_task(of.task, tmp_path).load()
    for result in lane.turn(Turn(tuple(orders))).results:
        folder = tmp_path / f"model{result.trial.number}"
        (folder / "members").mkdir(parents=True)
        (folder / "code").mkdir()
        (folder / "code" / "mine.py").write_text(FILE)
        (folder / "members" / "00.safetensors").write_bytes(result.weights[0])
        about = {name: getattr(of, name) for name in ("task", "model", "loss", "precision", "evaluation")}
        about["combine"] = "none"
        (folder / "model.json").write_text(json.dumps(about))
        said = _load_pyfunc(str(folder)).predict(data.validation.inputs)
        error = np.mean(said.argmax(1) != data.validation.labels)
        assert result.metrics["validation.error"] == pytest.approx(error)


def test_a_net_that_answers_otherwise_in_evaluation_is_measured_in_evaluation():
    program = objective(Flipping)
    (slot,) = train(program, [trial(0, program.work, settings("adam", learning_rate=0.05), epochs=20)])
    assert program.evaluate(slot.best_parameters.unsqueeze(0), program.validation)["error"].item() > 0.6


def test_weights_that_layers_share_are_of_the_first_layer():
    program = objective(Tied)
    assert list(program.shapes) == ["out.weight", "out.bias", "one.weight", "one.bias", "other.bias"]
    assert program.layer_of.tolist() == [0] * 10 + [1] * 20 + [2] * 4
    spec = replace(trial(0, program.work, settings("sgd"), epochs=1), record=("gradient",))
    (slot,) = train(program, [spec])
    assert set(slot.recorded) == {"gradient.layer1", "gradient.layer2", "gradient.layer3"}
    rates = settings("sgd", learning_rate=0.1, layer_rates={"1": 1.0, "2": 2.0, "3": 1e-30})
    (slot,) = train(program, [trial(0, program.work, rates)])
    still = program.views(slot.tensors["parameters"])["other.bias"]
    assert torch.allclose(still, program.views(program.initial(slot.trial.seeds.weights))["other.bias"], atol=1e-20)


def test_curvature_is_refused_where_weights_are_frozen():
    program = objective(frozen)
    spec = replace(trial(0, program.work, settings("sgd")), record=("curvature",))
    with pytest.raises(InputError, match="curvature is estimated in nets that are trained whole"):
        Slot.start(order(spec), program)


def test_an_answer_that_is_not_the_weights_in_training_goes_with_no_buffer_that_changes():
    program = objective(normalised)
    with pytest.raises(InputError, match=r"its buffer 1.num_batches_tracked changes in training .* polak_ribiere"):
        Slot.start(order(trial(0, program.work, settings("polak_ribiere"))), program)


class Dropping(Net):
    def __init__(self):
        super().__init__()
        self.drop = SlotDropout("hidden_dropout")

    def forward(self, inputs):
        return self.out(self.drop(inputs))


def test_a_rate_for_each_hidden_layer_needs_layers_with_numbers():
    program = objective(Dropping)
    with pytest.raises(InputError, match="hidden_dropout must list a rate for each hidden layer, but SlotDropout says"):
        program.rates([settings("sgd", hidden_dropout={"1": 0.1})])
    assert program.rates([settings("sgd", hidden_dropout=0.2)]) == {"drop.mask": [0.2]}


def test_a_net_that_stops_early_is_kept_with_the_state_of_that_epoch():
    program = objective(normalised)
    chosen = settings("adam", learning_rate=0.3, early_stopping={"by": "validation", "patience": 2})
    (slot,) = train(program, [trial(0, program.work, chosen, epochs=8)])
    state = {name: tensor.unsqueeze(0) for name, tensor in slot.state.items()}
    found = program.evaluate(slot.best_parameters.unsqueeze(0), slot.split.validation, state)
    assert found["loss"].item() == slot.tensors["stopping.best"]
    assert not all(torch.equal(slot.tensors[f"net.{name}"], tensor) for name, tensor in slot.state.items())
