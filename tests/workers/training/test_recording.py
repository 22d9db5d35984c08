"""Gradient and curvature of each layer at reports: what they are, that they cost no number, that records show them."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

import slalom
from slalom.wire.trial import Outcome, Turn
from slalom.wiring import local_lanes
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.training import streams
from tests.support.mlflow_tables import database
from tests.support.record_samples import shown_in
from tests.workers.checks import train
from tests.workers.net.test_own_models import objective
from tests.workers.reference import plain_net
from tests.workers.trials import CPU, order, settings, trial, work
from tests.workers.trials import objective as bundled

RECORD = ("gradient", "curvature")
CHOSEN = [
    settings("adam", learning_rate=0.01, hidden_dropout=0.3),
    settings("sgd", learning_rate=0.5, weight_decay=1e-4),
    settings("momentum", momentum={"schedule": "gradient_norm", "start": 0.5, "end": 0.9}),
    settings("levenberg_marquardt", learning_rate=0.02),
]


def reports(specs, width=8, record=RECORD):
    """Every report's metrics, and every result's, by trial and epoch."""
    lane = LaneWorker(width=width, turn_seconds=math.inf, device=CPU)
    reply = lane.turn(Turn(tuple(order(replace(spec, record=record)) for spec in specs)))
    assert all(result.outcome is Outcome.COMPLETE for result in reply.results)
    told = {(report.trial, report.epoch): dict(report.metrics) for report in reply.reports}
    return told | {(result.trial, "end"): dict(result.metrics) for result in reply.results}


def layered(metrics):
    return {name: value for name, value in metrics.items() if ".layer" in name}


def test_recording_changes_no_number_and_happens_at_reports_alone():
    of = work(hidden=(7, 5))
    specs = [replace(trial(n, of, CHOSEN[n % 4], epochs=5), report_every=2) for n in range(8)]
    plain, found = reports(specs, record=()), reports(specs)
    assert {epoch for _, epoch in found} == {2, 4, 5, "end"}
    assert not any(map(layered, plain.values()))
    names = {f"{name}.layer{layer}" for name in RECORD for layer in (1, 2, 3)}
    for key, metrics in found.items():
        assert layered(metrics).keys() == names
        assert {name: value for name, value in metrics.items() if name not in names} == plain[key]
    for spec in specs:
        for name in names:
            assert len({found[spec.id, epoch][name] for epoch in (2, 4, 5)}) == 3
            assert found[spec.id, "end"][name] == found[spec.id, 5][name]


def test_what_is_recorded_does_not_depend_on_the_pack():
    of = work(hidden=(7, 5))
    specs = [trial(n, of, CHOSEN[n % 4], epochs=2) for n in range(8)]
    found = reports(specs)
    assert all(reports(specs, width) == found for width in (1, 3))


def test_each_of_the_two_can_be_recorded_alone():
    spec = trial(0, work(hidden=(7,)), CHOSEN[0], epochs=1)
    for name in RECORD:
        metrics = reports([spec], record=(name,))[spec.id, 1]
        assert layered(metrics).keys() == {f"{name}.layer1", f"{name}.layer2"}


def test_they_are_those_of_the_plain_net():
    """Without weight decay in the gradient; the curvature is that of where the trial has come to."""
    of = work(hidden=(7, 5), batch_size=None, precision="float64")
    program = bundled(of)
    spec = trial(0, of, settings("sgd", learning_rate=0.1, weight_decay=0.1), epochs=1)
    metrics = reports([spec])[spec.id, 1]
    net = plain_net(of, program.data)
    nn.utils.vector_to_parameters(program.initial(spec.seeds.weights), net.parameters())
    nn.functional.cross_entropy(net(program.train.inputs), program.train.labels).backward()
    for number, layer in enumerate(net.layers, 1):
        gradient = torch.cat([p.grad.flatten() for p in layer.parameters()])
        assert metrics[f"gradient.layer{number}"] == pytest.approx(float(gradient.square().mean().sqrt()), rel=1e-9)
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.1 * (p.grad + 0.1 * p)
    found = nn.utils.parameters_to_vector(net.parameters()).detach()
    curvature = program.curvature(found.unsqueeze(0), torch.arange(500).unsqueeze(0))[0]
    sizes = [sum(p.numel() for p in layer.parameters()) for layer in net.layers]
    for number, part in enumerate(curvature.split(sizes), 1):
        assert metrics[f"curvature.layer{number}"] == pytest.approx(float(part.mean()), rel=1e-9)


def test_the_gradient_is_that_of_the_epoch_s_last_batch():
    """The step is so small that the parameters stay what they were."""
    of = work(hidden=(7,), precision="float64")
    program = bundled(of)
    spec = trial(0, of, settings("sgd", learning_rate=1e-12), epochs=2)
    count = len(program.train.labels)
    net = plain_net(of, program.data)
    nn.utils.vector_to_parameters(program.initial(spec.seeds.weights), net.parameters())
    found = reports([spec])
    for epoch in (0, 1):
        last = streams.order(spec.seeds.batches, epoch, count, None).split(32)[-1]
        net.zero_grad()
        nn.functional.cross_entropy(net(program.train.inputs[last]), program.train.labels[last]).backward()
        gradient = torch.cat([p.grad.flatten() for p in net.layers[0].parameters()])
        want = float(gradient.square().mean().sqrt())
        assert found[spec.id, epoch + 1]["gradient.layer1"] == pytest.approx(want, rel=1e-6)


def test_a_number_that_is_not_finite_is_left_out_and_ends_no_trial():
    """Weights of 1e25 square to infinity in float32, where the net's own outputs and loss are finite."""
    spec = trial(0, work(hidden=(7,)), settings("sgd", learning_rate=1e25), epochs=1)
    assert layered(reports([spec])[spec.id, 1]).keys() == {"gradient.layer1", "gradient.layer2", "curvature.layer2"}


class Scaled(nn.Module):
    """Layers that a forward of its own puts together: a gradient they have, whatever the net."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.hidden, self.out = nn.Linear(4, 9), nn.Linear(9, 2)

    def forward(self, inputs):
        return self.out(self.hidden(self.scale * inputs).tanh())


def test_any_net_s_gradients_can_be_recorded():
    program = objective(Scaled)
    (slot,) = train(program, [replace(trial(0, program.work, CHOSEN[1], epochs=1), record=("gradient",))])
    assert set(slot.recorded) == {"gradient.layer1", "gradient.layer2", "gradient.layer3"}
    assert min(slot.recorded.values()) > 0


def ratio(activation, hidden):
    """First layer's gradient over the last one's, after the first step."""
    of = work(hidden=hidden, activation=activation, batch_size=None)
    specs = [trial(n, of, settings("sgd", learning_rate=1e-6), epochs=1) for n in range(8)]
    found = [reports([spec], record=("gradient",))[spec.id, 1] for spec in specs]
    return sum(one["gradient.layer1"] / one[f"gradient.layer{len(hidden) + 1}"] for one in found) / len(found)


@pytest.mark.thorough
def test_gradients_vanish_through_logistic_layers_and_far_less_through_others():
    deep = {activation: ratio(activation, (32,) * 5) for activation in ("logistic", "tanh", "relu")}
    shallow = ratio("logistic", (32,))
    print({name: f"{value:.2g}" for name, value in deep.items()}, f"one logistic layer {shallow:.2g}")
    assert deep["logistic"] < 1e-3
    assert shallow > 100 * deep["logistic"]
    assert min(deep["tanh"], deep["relu"]) > 100 * deep["logistic"]


STUDY = {
    "name": "recorded",
    "question": "What do the layers see?",
    "task": "digits",
    "model": {"name": "mlp", "hidden": [4]},
    "training": {"epochs": 2, "record": ["gradient", "curvature"]},
    "arms": {"sgd": {"optimizer": "sgd", "learning_rate": 0.1}, "adam": {"optimizer": "adam", "learning_rate": 0.01}},
    "tune": {"trials": 1, "pruner": "none"},
    "confirm": {"seeds": 6},
    "compare": {"baseline": "sgd"},
    "resources": {"pack_width": 4},
}


@pytest.mark.thorough
def test_a_study_s_records_show_them(tmp_path):
    database(tmp_path)
    result = slalom.run(slalom.Study(**STUDY), tmp_path, lanes=local_lanes)
    assert all(arm.reproduced for arm in result.arms)
    names = {f"{name}.layer{layer}" for name in RECORD for layer in (1, 2)}
    for ended in result.ended.values():
        assert all(layered(report.metrics).keys() == names for report in ended.result.history)
    history = shown_in(result.home.tracking_uri, "recorded")["recorded", "sgd", "sgd search 0 tune 0"]["history"]
    (tuned,) = [ended for ended in result.ended.values() if str(ended.spec.id) == "sgd/0/tune/0"]
    for name in names:
        assert history[name] == [(report.epoch, report.metrics[name]) for report in tuned.result.history]
        assert [epoch for epoch, _ in history[name]] == [1, 2]
