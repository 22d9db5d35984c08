"""Nets of users in packs: the same bits at every width, and plain torch's numbers, in training and in evaluation."""

from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
from torch import nn

from slalom.errors import InputError
from slalom.wire.seeds import derive
from slalom_worker.net.examples import side_by_side
from slalom_worker.net.objective import Objective
from slalom_worker.training import streams
from slalom_worker.training.net_rehearsal import rehearse_net
from tests.support.tiers import few
from tests.workers.checks import check_invariance, distance, train
from tests.workers.net.own_nets import TRAINED, WORK, Own, frozen, normalised
from tests.workers.net.refused_nets import REFUSED
from tests.workers.trials import CPU, settings, trial

WIDTHS = (1, 2, 7, 16)
EPOCHS = 3
CHOSEN = [settings("adam", learning_rate=0.01), settings("sgd", learning_rate=0.1), settings("momentum")]


def objective(make, precision="float64", **options):
    task = Own(make, **options)
    return Objective(replace(WORK, precision=precision), task.load(), task, CPU)


def specs(program, count=16):
    return [trial(n, program.work, CHOSEN[n % len(CHOSEN)], epochs=EPOCHS) for n in range(count)]


class Masked(nn.Module):
    """Dropout with the masks of a trial's streams: of an epoch's step, by the layer's name and the number of a call."""

    def __init__(self, name, rate):
        super().__init__()
        self.name, self.rate, self.masks, self.call = name, rate, {}, 0

    def begin(self, seed, epoch):
        self.seed, self.epoch, self.masks = seed, epoch, {}

    def forward(self, inputs):
        if not self.training:
            return inputs
        self.call += 1
        key = f"{self.name}.mask{'' if self.call == 1 else self.call}"
        if key not in self.masks:
            rates, seeds = torch.tensor([self.rate], dtype=inputs.dtype), [derive(self.seed, self.epoch, key)]
            self.masks[key] = streams.Masks(rates, seeds, tuple(inputs.shape[1:]), WORK.batch_size)
        return inputs * self.masks[key].draw(self.step)[0][: len(inputs)]


class Functions:
    """In place of torch's dropout functions: the masks of a trial's streams, by the number of a call in a forward."""

    def __init__(self, spec):
        self.spec, self.streams = spec, {}

    def begin(self, epoch, step):
        self.step, self.call = step, 0
        if step == 0:
            self.epoch, self.streams = epoch, {}

    def dropout(self, inputs, p=0.5, training=True):
        if not training:
            return inputs
        self.call += 1
        if self.call not in self.streams:
            seed = derive(self.spec.seeds.dropout, self.epoch, f"dropout function {self.call}")
            rows = len(inputs) // WORK.batch_size  # of each example, as attention has its heads
            shape = (*((rows,) if rows > 1 else ()), *inputs.shape[1:])
            rates = torch.tensor([p], dtype=inputs.dtype)
            self.streams[self.call] = streams.Masks(rates, [seed], shape, WORK.batch_size)
        return inputs * self.streams[self.call].draw(self.step)[0].reshape(-1, *inputs.shape[1:])[: len(inputs)]


def masked(net):
    """The net with Masked in place of its dropout layers, each once, and these."""
    found = {part: Masked(name, part.p) for name, part in net.named_modules() if isinstance(part, nn.Dropout)}
    for part in list(net.modules()):
        for name, child in list(part._modules.items()):
            if child in found:
                setattr(part, name, found[child])
    return net, list(found.values())


def plain(spec, task):
    """The net, trained as anyone would in torch, by the trial's streams."""
    data = task.load()
    inputs, labels = torch.as_tensor(data.train.inputs).double(), torch.as_tensor(data.train.labels)
    torch.manual_seed(spec.seeds.weights)
    net = task.make()
    if any(map(nn.parameter.is_lazy, net.parameters())):
        net.eval()(inputs[:2].float())
    net, dropouts = masked(net.double().train())
    rate, trained = spec.settings["learning_rate"], [p for p in net.parameters() if p.requires_grad]
    kinds = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD, "momentum": torch.optim.SGD}
    momentum = spec.settings.get("momentum", {}).get("value")
    optimizer = kinds[spec.settings["optimizer"]](trained, rate, **({} if momentum is None else {"momentum": momentum}))
    functions = Functions(spec)
    for epoch in range(spec.epochs):
        order = streams.order(spec.seeds.batches, epoch, len(labels), None)
        for part in dropouts:
            part.begin(spec.seeds.dropout, epoch)
        for step, index in enumerate(order.split(WORK.batch_size)):
            for part in dropouts:
                part.step, part.call = step, 0
            functions.begin(epoch, step)
            optimizer.zero_grad()
            with patch.object(nn.functional, "dropout", functions.dropout):
                outputs = net(inputs[index])
            nn.functional.cross_entropy(outputs, labels[index]).backward()
            optimizer.step()
    return net


@pytest.mark.parametrize("name", few(TRAINED, 4))
def test_a_net_of_a_users_trains_in_packs_of_any_width_with_the_same_bits(name):
    program = objective(TRAINED[name], "float32")
    check_invariance(program, specs(program), WIDTHS)


@pytest.mark.parametrize("width", few([1, 2, 7, 16]))
@pytest.mark.parametrize("name", few(TRAINED, 8))
def test_a_net_of_a_users_trains_as_torch_trains_it(name, width):
    program = objective(TRAINED[name])
    task = program.task
    for slot in train(program, specs(program, width), disturbed=True):
        net = plain(slot.trial, task)
        want = torch.cat([p.detach().flatten() for p in net.parameters() if p.requires_grad])
        assert distance(slot.tensors["parameters"], want) < 1e-9
        rest = {**dict(net.named_parameters()), **dict(net.named_buffers())}
        for buffer, tensor in slot.state.items():
            assert distance(tensor.double(), rest[buffer].double()) < 1e-9, buffer
        with torch.no_grad():
            outputs = net.eval()(torch.as_tensor(program.data.test.inputs).double())
        state = {buffer: tensor.unsqueeze(0) for buffer, tensor in slot.state.items()}
        parameters = slot.best_parameters.unsqueeze(0)
        assert distance(program.outputs(parameters, program.test, state)[0], outputs) < 1e-9
        error = (outputs.argmax(1) != torch.as_tensor(program.data.test.labels)).double().mean()
        assert program.evaluate(parameters, side_by_side([program.test]), state)["error"].item() == error.item()


@pytest.mark.parametrize("precision", few(["float32", "float64"]))
@pytest.mark.parametrize("name", few(TRAINED, 8))
def test_a_net_that_packs_train_passes_the_rehearsal(name, precision):
    task = Own(TRAINED[name])
    rehearse_net([trial(0, replace(WORK, precision=precision), CHOSEN[0])], task.load(), task)


@pytest.mark.parametrize(("make", "rule"), REFUSED.items(), ids=lambda part: getattr(part, "__name__", ""))
def test_a_net_that_no_pack_can_train_is_refused_by_name(make, rule):
    task = Own(make)
    with pytest.raises(InputError, match=rule):
        rehearse_net([trial(0, WORK, CHOSEN[0])], task.load(), task)


def test_frozen_layers_keep_their_weights_whatever_the_initialization():
    program = objective(frozen)
    he = settings("sgd", learning_rate=0.1, initialization={"scheme": "he"})
    (slot,) = train(program, [trial(3, program.work, he)])
    torch.manual_seed(slot.trial.seeds.weights)
    net = frozen().double()
    assert torch.equal(slot.state["0.weight"], net[0].weight)
    assert torch.equal(slot.state["0.bias"], net[0].bias)
    assert not torch.equal(program.views(program.initial(3, he["initialization"]))["2.weight"], net[2].weight)


def test_a_last_batch_of_one_is_refused_where_a_layer_needs_two():
    with pytest.raises(InputError, match=r"as the epoch's last batch is .drop_last leaves it out., must not raise"):
        objective(normalised, count=61)
    assert objective(normalised, count=60).batching.steps == 6


def test_one_example_in_each_split_trains_a_plain_net_and_no_batch_normalisation():
    task = Own(lambda: nn.Linear(4, 2), count=1)
    rehearse_net([trial(0, WORK, CHOSEN[0])], task.load(), task)
    with pytest.raises(InputError, match="Expected more than 1 value per channel"):
        objective(normalised, count=1)
