"""What a net sees of a picture where it is measured: the whole, the center, or ten crops, averaged."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from slalom.errors import InputError
from slalom.wire.trial import Turn, Work
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.net.modules import build_module
from slalom_worker.net.objective import Objective
from slalom_worker.serving import _load_pyfunc
from slalom_worker.tasks import open_task
from slalom_worker.training.measures import measure
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.pack import Pack
from tests.workers.augmentation.picture_trials import COLORED, EVALUATIONS, GREY, data, objective, work
from tests.workers.trials import CPU, order, settings, trial

ENSEMBLE = {"combine": "mean", "members": 2, "bagging": True}


def crops(pictures, size):
    """Ten crops [10, n, c, size, size] of pictures [n, c, h, w]: corners and center, then their mirror images."""
    _, _, height, width = pictures.shape
    down, right = height - size, width - size
    corners = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
    found = [pictures[:, :, top : top + size, left : left + size] for top, left in corners]
    return np.stack([*found, *(one[..., ::-1] for one in found)])


def trained(program, **chosen):
    net = TrainedTrial.start(order(trial(0, program.work, settings(learning_rate=0.1, **chosen), epochs=2)), program)
    pack = Pack(program)
    pack.seat(net.slots)
    pack.advance()
    pack.advance()
    return net


def plain(program, slot):
    """A net as a plain module."""
    module = build_module(program.work, program.view.data, None, 0).eval()
    torch.nn.utils.vector_to_parameters(slot.best_parameters, module.parameters())
    return module


def probabilities(program, slot, part):
    """The mean [n, k] of ten forwards, softmax for softmax."""
    pictures = part.inputs.numpy().reshape(-1, *program.view.shape)
    each = [torch.as_tensor(np.ascontiguousarray(one)) for one in crops(pictures, 6)]
    with torch.no_grad():
        if program.data is GREY:
            each = [one.flatten(1) for one in each]
        return torch.stack([plain(program, slot)(one).softmax(-1) for one in each]).mean(0)


@pytest.mark.parametrize("pictures", [GREY, COLORED], ids=["grey, in rows", "in colours"])
def test_ten_crops_are_the_mean_of_ten_forwards(pictures):
    program = objective(work(EVALUATIONS[2]), pictures)
    net = trained(program)
    (slot,) = net.slots
    for name in ("validation", "train"):
        part = getattr(slot.split, name)
        wanted = probabilities(program, slot, part)
        outputs = program.outputs(net.best_parameters, part, net.state)
        torch.testing.assert_close(outputs[0].softmax(-1), wanted, rtol=1e-12, atol=1e-14)
        found = program.evaluate(net.best_parameters, part, net.state)
        loss = torch.nn.functional.nll_loss(wanted.log(), part.labels)
        assert float(found["loss"]) == pytest.approx(float(loss), 1e-12)
        assert float(found["error"]) == float((wanted.argmax(1) != part.labels).double().mean())


def test_members_of_an_ensemble_are_each_the_mean_of_ten_forwards():
    program = objective(work(EVALUATIONS[2]))
    net = trained(program, ensemble=ENSEMBLE)
    part = net.split.validation
    wanted = torch.stack([probabilities(program, slot, part) for slot in net.slots]).mean(0)
    found = measure(program, [net])[0]
    assert found["validation.loss"] == pytest.approx(float(torch.nn.functional.nll_loss(wanted.log(), part.labels)))
    assert "oob.error" in found


def test_the_center_is_what_is_measured_and_trained_on():
    """A net of centers is a net of pictures that were cut before."""
    program = objective(work(EVALUATIONS[1]))
    cut = crops(COLORED.train.inputs, 6)[4]
    assert torch.equal(program.view.center(torch.as_tensor(COLORED.train.inputs)), torch.as_tensor(cut.copy()))
    other = Objective(work(), centers(), None, CPU)
    one, same = (trained(each) for each in (program, other))
    assert torch.equal(one.best_parameters, same.best_parameters)
    assert measure(program, [one]) == measure(other, [same])


def centers():
    """The pictures' centers as a task of its own."""
    whole = data(3, 9, 8)
    parts = (whole.train, whole.validation, whole.test)
    cut = [part._replace(inputs=np.ascontiguousarray(crops(part.inputs, 6)[4])) for part in parts]
    return type(whole)(*cut, whole.classes)


def test_curvature_is_of_the_center():
    program, other = objective(work(EVALUATIONS[2])), Objective(work(), centers(), None, CPU)
    parameters = program.initial(3)[None]
    index = torch.arange(12)[None]
    torch.testing.assert_close(program.curvature(parameters, index), other.curvature(parameters, index))


def test_a_probability_that_is_nearly_none_has_a_finite_loss():
    program = objective(work(EVALUATIONS[2], "float32"))
    outputs = torch.zeros(1, 10, 10)
    outputs[..., 1] = 200.0
    found = program.view.predicted(outputs)
    assert found.shape == (1, 1, 10)
    assert found.isfinite().all()
    torch.testing.assert_close(found[0, 0, 0], torch.tensor(-200.0))


def test_a_loss_without_a_mean_is_refused():
    loss = {"name": "squared_error", "low": 0.0, "high": 1.0, "output": "linear"}
    of = work(EVALUATIONS[2])
    with pytest.raises(InputError, match="ten_crop averages predictions, and loss squared_error has no mean"):
        objective(Work(of.task, of.model, 10, loss=loss, evaluation=of.evaluation))


def test_a_kept_model_answers_by_the_crops_that_it_was_measured_by(tmp_path):
    of = replace(work(EVALUATIONS[2], "float32", 200), task={"name": "digits"})
    chosen = settings("adam", learning_rate=0.05, augmentation={"method": "mirror", "share": 0.5})
    lane = LaneWorker(tmp_path, 2, turn_seconds=1e9, device=CPU)
    (result,) = lane.turn(Turn((order(trial(0, of, chosen), keep_weights=True),))).results
    (tmp_path / "members").mkdir()
    (tmp_path / "members" / "00.safetensors").write_bytes(result.weights[0])
    about = {name: getattr(of, name) for name in ("task", "model", "loss", "precision", "evaluation")}
    (tmp_path / "model.json").write_text(json.dumps({**about, "combine": "none"}))
    validation = open_task(of.task, tmp_path).load().validation
    said = _load_pyfunc(str(tmp_path)).predict(validation.inputs)
    assert np.mean(said.argmax(1) != validation.labels) == pytest.approx(result.metrics["validation.error"])
    own = -np.log(said[range(len(said)), validation.labels].astype(float))
    assert own.mean() == pytest.approx(result.metrics["validation.loss"], rel=1e-5)
