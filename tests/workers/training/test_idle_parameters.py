"""Parameters on which a net's outputs do not depend: torch gives them no gradient and leaves them as they are."""

import pytest
import torch
from torch import nn

from slalom_worker.program.ways import Way
from slalom_worker.training import streams
from tests.workers.checks import check_invariance, distance, train
from tests.workers.net.own_nets import WORK, Net
from tests.workers.training.test_own_nets import objective
from tests.workers.trials import settings, trial

OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}
DECAY = 0.1


class Unused(Net):
    """With a head that nothing uses, between layers that are used."""

    def __init__(self):
        super().__init__()
        self.head, self.hidden = nn.Linear(4, 3), nn.Linear(4, 4)

    def forward(self, inputs):
        return self.out(torch.tanh(self.hidden(inputs)))


class UnusedAfterwards(Unused):
    """The same, computed slot by slot."""

    def forward(self, inputs):
        return self.out(nn.functional.gelu(self.hidden(inputs)))


def plain(spec, task):
    data = task.load()
    inputs, labels = torch.as_tensor(data.train.inputs).double(), torch.as_tensor(data.train.labels)
    torch.manual_seed(spec.seeds.weights)
    net = task.make().double()
    chosen = spec.settings
    momentum = {"momentum": 0.9} if chosen["optimizer"] == "momentum" else {}
    kind = OPTIMIZERS[chosen["optimizer"]]
    optimizer = kind(net.parameters(), chosen["learning_rate"], weight_decay=DECAY, **momentum)
    for epoch in range(spec.epochs):
        for index in streams.order(spec.seeds.batches, epoch, len(labels), None).split(WORK.batch_size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(inputs[index]), labels[index]).backward()
            optimizer.step()
    return net


@pytest.mark.parametrize("make", [Unused, UnusedAfterwards])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_leaves_a_parameter_without_a_gradient_as_torch_does(name, make):
    program = objective(make)
    momentum = {"momentum": {"schedule": "constant", "value": 0.9}} if name == "momentum" else {}
    chosen = settings(name, learning_rate=0.01, weight_decay={"of": "mean", "value": DECAY}, **momentum)
    specs = [trial(n, program.work, chosen, epochs=3) for n in range(4)]
    for slot in train(program, specs):
        net = plain(slot.trial, program.task)
        found = program.views(slot.tensors["parameters"])
        assert torch.equal(found["head.weight"], net.head.weight)
        for own, wanted in net.named_parameters():
            assert distance(found[own], wanted.detach()) < 1e-9, own


def test_beside_arms_that_decay_otherwise_it_has_the_same_bits():
    program = objective(Unused, "float32")
    chosen = [
        settings("sgd", learning_rate=0.1),
        settings("adam", learning_rate=0.01, weight_decay={"of": "mean", "value": DECAY}),
        settings("sgd", learning_rate=0.1, weight_decay={"of": "mean", "value": DECAY}, decay_biases=False),
    ]
    check_invariance(program, [trial(n, program.work, chosen[n % 3], epochs=3) for n in range(16)], (1, 2, 7, 16))


class Chooser(Net):
    """Uses one of two layers in each step, and one in evaluation."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 2) for _ in range(2))

    def forward(self, inputs):
        return self.layers[int(self.training and inputs.mean().item() > 0.5)](inputs)


def test_a_net_that_chooses_its_layers_has_no_idle_ones():
    program = objective(Chooser)
    assert program.way is Way.BY_HAND
    assert not program.is_idle.any()
