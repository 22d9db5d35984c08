"""The pack against an independent, plain reference: one nn.Module, torch.optim, one trial at a time, float64."""

import math

import pytest
import torch
from torch import nn

from slalom.seeds import derive
from slalom_worker import streams
from slalom_worker.pack import Pack
from slalom_worker.slot import Slot
from tests.workers.trials import objective, order, settings, trial, work

EPOCHS = 6  # of 34 steps: over 200 steps
WORK = work(precision="float64")

CASES = {
    "sgd": settings("sgd", learning_rate=0.2),
    "sgd with momentum": settings("sgd", momentum=0.7),
    "momentum": settings("momentum"),
    "nesterov": settings("nesterov", learning_rate=0.02),
    "rmsprop": settings("rmsprop", learning_rate=0.003),
    "rmsprop smoothing": settings("rmsprop", learning_rate=0.003, smoothing=0.9),
    "adam": settings("adam", learning_rate=0.01),
    "adam betas": settings("adam", learning_rate=0.01, beta1=0.5, beta2=0.9),
    "amsgrad": settings("amsgrad", learning_rate=0.01),
    "decay": settings("momentum", weight_decay=1e-3),
    "decay without biases": settings("adam", weight_decay=1e-2, learning_rate=0.01, decay_biases=False),
    "cosine": settings("momentum", learning_rate_schedule={"schedule": "cosine", "end": 0.1}),
    "sutskever": settings("nesterov", learning_rate=0.02, momentum={"schedule": "sutskever", "end": 0.9}),
    "rising": settings("momentum", momentum={"schedule": "gradient_norm", "start": 0.5, "end": 0.9}),
    "dropout": settings("momentum", hidden_dropout=0.5, input_dropout=0.2),
    "balanced": settings("adam", learning_rate=0.01, emphasis={"scheme": "class_balanced", "strength": 1.0}),
}


class Reference:
    """A trial as anyone would write it in torch."""

    def __init__(self, spec, data):
        self.spec, self.chosen = spec, spec.settings
        torch.manual_seed(spec.seeds.weights)
        self.net = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10)).double()
        self.inputs = torch.as_tensor(data.train.inputs).double()
        self.labels = torch.as_tensor(data.train.labels)
        self.cumulated = streams.sampling(self.chosen["emphasis"], data.train.labels)
        self.optimizer = self._optimizer()
        self.step, self.smoothed, self.largest = 0, 0.0, 0.0
        self.total = spec.epochs * math.ceil(len(self.labels) / 32)

    def _optimizer(self):
        chosen, rate = self.chosen, self.chosen["learning_rate"]
        weights = [p for name, p in self.net.named_parameters() if not name.endswith("bias")]
        biases = [p for name, p in self.net.named_parameters() if name.endswith("bias")]
        decay = chosen["weight_decay"]
        groups = [
            {"params": weights, "weight_decay": decay},
            {"params": biases, "weight_decay": decay if chosen["decay_biases"] else 0.0},
        ]
        kinds = {
            "sgd": lambda: torch.optim.SGD(groups, rate, foreach=False),
            "momentum": lambda: torch.optim.SGD(groups, rate, momentum=0.9, foreach=False),
            "nesterov": lambda: torch.optim.SGD(groups, rate, momentum=0.9, nesterov=True, foreach=False),
            "rmsprop": lambda: torch.optim.RMSprop(groups, rate, alpha=chosen["smoothing"], foreach=False),
            "adam": lambda: torch.optim.Adam(groups, rate, betas=(chosen["beta1"], chosen["beta2"]), foreach=False),
            "amsgrad": lambda: torch.optim.Adam(groups, rate, amsgrad=True, foreach=False),
        }
        return kinds[chosen["optimizer"]]()

    def masks(self, epoch):
        """Dropout masks as the trial's stream gives them, one [32, width] a step."""
        layers = {"1.mask": (64, "input_dropout"), "4.mask": (32, "hidden_dropout")}
        found = {}
        for name, (width, setting) in layers.items():
            rate = self.chosen[setting]
            if rate > 0:
                seed = derive(self.spec.seeds.dropout, epoch, name)
                drawn = streams.Masks(torch.tensor([rate], dtype=torch.float64), [seed], (width,), 32)
                found[name] = lambda step, drawn=drawn: drawn.draw(step)[0]
        return found

    def pace(self, gradient_norm):
        self.smoothed = gradient_norm if self.step == 0 else 0.9 * self.smoothed + 0.1 * gradient_norm
        self.largest = max(self.largest, self.smoothed)
        for group in self.optimizer.param_groups:
            if self.chosen["learning_rate_schedule"]["schedule"] == "cosine":
                end = self.chosen["learning_rate_schedule"]["end"]
                factor = end + (1 - end) * (1 + math.cos(math.pi * self.step / self.total)) / 2
                group["lr"] = self.chosen["learning_rate"] * factor
            momentum = self.chosen.get("momentum", {"schedule": None})
            if momentum["schedule"] == "constant":
                group["momentum"] = momentum["value"]
            if momentum["schedule"] == "sutskever":
                group["momentum"] = min(1 - 2 ** (-1 - math.log2(self.step // 250 + 1)), momentum["end"])
            if momentum["schedule"] == "gradient_norm":
                ratio = self.smoothed / self.largest
                group["momentum"] = momentum["end"] - (momentum["end"] - momentum["start"]) * ratio

    def epoch(self, number):
        masks = self.masks(number)
        order = streams.order(self.spec.seeds.batches, number, len(self.labels), self.cumulated)
        for step, index in enumerate(order.split(32)):
            x = self.inputs[index]
            if "1.mask" in masks:
                x = x * masks["1.mask"](step)[: len(index)]
            x = self.net[1](self.net[0](x))
            if "4.mask" in masks:
                x = x * masks["4.mask"](step)[: len(index)]
            loss = nn.functional.cross_entropy(self.net[2](x), self.labels[index])
            self.optimizer.zero_grad()
            loss.backward()
            self.pace(math.sqrt(sum(float(p.grad.square().sum()) for p in self.net.parameters())))
            self.optimizer.step()
            self.step += 1

    def parameters(self):
        return torch.cat([p.detach().flatten() for p in self.net.parameters()])


@pytest.mark.parametrize("slots", [1, 2, 16])
def test_a_pack_trains_every_trial_as_torch_does(slots):
    specs = [trial(number, WORK, chosen, epochs=EPOCHS) for number, chosen in enumerate(CASES.values())]
    program = objective(WORK)
    for start in range(0, len(specs), slots):
        seated = [Slot.start(order(spec), program) for spec in specs[start : start + slots]]
        pack = Pack(program)
        pack.seat(seated)
        for _ in range(EPOCHS):
            pack.advance()
        for slot in seated:
            reference = Reference(slot.trial, program.data)
            for number in range(EPOCHS):
                reference.epoch(number)
            name = list(CASES)[slot.trial.id.number]
            got, want = slot.tensors["parameters"], reference.parameters()
            assert float((got - want).norm() / want.norm()) < 1e-9, name


def test_trials_admitted_later_keep_their_own_clock():
    """A neighbour that is 100 steps ahead changes nothing: bias corrections and schedules are per slot."""
    program = objective(WORK)
    early = Slot.start(order(trial(0, WORK, settings("adam", learning_rate=0.01), epochs=EPOCHS)), program)
    late_spec = trial(
        1,
        WORK,
        settings("adam", learning_rate=0.02, learning_rate_schedule={"schedule": "cosine", "end": 0.0}),
        epochs=3,
    )
    pack = Pack(program)
    pack.seat([early])
    for _ in range(3):
        pack.advance()
    late = Slot.start(order(late_spec), program)
    pack.seat([early, late])
    for _ in range(3):
        pack.advance()
    reference = Reference(late_spec, program.data)
    for number in range(3):
        reference.epoch(number)
    want = reference.parameters()
    assert float((late.tensors["parameters"] - want).norm() / want.norm()) < 1e-9


def test_metrics_are_those_of_the_plain_net():
    program = objective(WORK)
    slot = Slot.start(order(trial(0, WORK, settings("adam", learning_rate=0.01))), program)
    pack = Pack(program)
    pack.seat([slot])
    pack.advance()
    net = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10)).double()
    nn.utils.vector_to_parameters(slot.tensors["parameters"], net.parameters())
    split = program.data.validation
    logits = net(torch.as_tensor(split.inputs).double()).detach()
    labels = torch.as_tensor(split.labels)
    found = program.evaluate(pack.parameters, program.validation)
    assert float(found["loss"]) == pytest.approx(float(nn.functional.cross_entropy(logits, labels)), rel=1e-12)
    assert float(found["error"]) == float((logits.argmax(1) != labels).double().mean())
    assert float(found["accuracy"]) == 1 - float(found["error"])
