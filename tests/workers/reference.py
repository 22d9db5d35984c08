"""A trial as anyone would write it in torch: one plain module, torch.optim, one step after the other.

Of the product it takes the trial's random streams and nothing else.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from slalom.wire.seeds import derive
from slalom_worker.training import streams
from tests.workers import literature
from tests.workers.models import plain

DTYPES = {"float32": torch.float32, "float64": torch.float64}
DROPOUT = {True: "input_dropout", False: "hidden_dropout"}


class Trained(NamedTuple):
    """parameters [P] after the last step; loss: the mean over the last epoch's batches; best: the parameters measured.

    Where the trial stops early, the loss is that of the epoch in which it did.
    """

    parameters: Tensor
    loss: float
    best: Tensor


class Reference:
    def __init__(self, spec, data):
        self.spec, self.chosen, self.data = spec, spec.settings, data
        self.dtype = DTYPES[spec.work.precision]
        self.inputs = torch.as_tensor(data.train.inputs).to(self.dtype)
        self.labels = torch.as_tensor(data.train.labels)
        self.batch = spec.work.batch_size
        self.steps = spec.epochs * len(self._batches(torch.arange(len(self.labels))))
        self.step, self.smoothed, self.largest = 0, 0.0, 0.0
        torch.manual_seed(spec.seeds.weights)
        self.net = plain_net(spec.work, self._seen_data())
        self.optimizer = self._optimizer()
        self.misses = [0] * len(self.labels)

    def _seen_data(self):
        """The data as the net sees them."""
        return self.data

    def train(self):
        least, waited, best, loss = math.inf, 0, None, math.nan
        patience = self.chosen["early_stopping"].get("patience", math.inf)
        for epoch in range(self.spec.epochs):
            trained = self._epoch(epoch)
            if waited >= patience:
                continue
            loss, waited = trained, waited + 1
            if self.chosen["early_stopping"]["by"] == "none" or (now := self._validation_loss()) < least:
                best = self._parameters()
                least, waited = (least, 0) if patience == math.inf else (now, 0)
        return Trained(self._parameters(), loss, best if best is not None else self._parameters())

    def _parameters(self):
        return torch.cat([p.detach().flatten() for p in self.net.parameters()])

    def _validation_loss(self):
        with torch.no_grad():
            options = self.spec.work.loss
            outputs = self.net(torch.as_tensor(self.data.validation.inputs).to(self.dtype))
            labels = torch.as_tensor(self.data.validation.labels)
            return float(literature.LOSSES[options["name"]].value(outputs, labels, options).mean())

    def _optimizer(self):
        chosen, decay = self.chosen, self.chosen["weight_decay"]["value"]
        groups = [
            {
                "params": [parameter],
                "weight_decay": decay if parameter.ndim > 1 or chosen["decay_biases"] else 0.0,
                "factor": self._factor(number),
            }
            for number, parameter in enumerate(self.net.parameters())
        ]
        groups = [group | {"lr": chosen["learning_rate"] * group["factor"]} for group in groups]
        return literature.OPTIMIZERS[chosen["optimizer"]].make(groups, chosen)

    def _factor(self, number):
        """Of the learning rate of a parameter; layers have a weight and a bias each."""
        rates = self.chosen["layer_rates"]
        return rates[str(number // 2 + 1)] if isinstance(rates, dict) else rates

    def _batches(self, order):
        """Of an epoch; the last may be smaller, or is left out."""
        batches = order.split(self.batch)
        return batches[:-1] if self.spec.work.drop_last and len(batches[-1]) < self.batch else batches

    def _counts(self, epoch):
        """How much each example counts, of mean 1; None where all count the same."""
        chosen = self.chosen["emphasis"]
        scheme = literature.EMPHASIS[chosen["scheme"]]
        if scheme.weights is None:
            return None
        wrong = self.net(self._unchanged()).argmax(1) != self.labels
        self.misses = [missed + 1 if now else 0 for missed, now in zip(self.misses, wrong.tolist(), strict=True)]
        weights = scheme.weights(self.labels.numpy(), self.misses, epoch, chosen)
        return torch.as_tensor(weights / weights.mean())

    def _epoch(self, number):
        """The mean loss over the examples of its batches."""
        counts, chosen = self._counts(number), self.chosen["emphasis"]
        drawn = counts is not None and chosen["by"] == "sampling"
        cumulated = (counts / counts.sum()).cumsum(0) if drawn else None
        begin = literature.OPTIMIZERS[self.chosen["optimizer"]].begin
        if begin is not None:
            sample = streams.sample(self.spec.seeds.batches, number, len(self.labels), cumulated)
            begin(self.optimizer, self.net, self.inputs[sample[: self.chosen["sample"]]])
        shuffled_at = {"each_epoch": number, "once": 0}[self.chosen["order"]]
        order = streams.order(self.spec.seeds.batches, shuffled_at, len(self.labels), cumulated)
        batches, masks = self._batches(order), self._masks(number)
        inputs = self._seen(number, order)
        total = 0.0
        for step, index in enumerate(batches):
            outputs = self.net(inputs(step, index), dropping(masks, step))
            options = self.spec.work.loss
            each = literature.LOSSES[options["name"]].value(outputs, self.labels[index], options)
            loss = each.mean()
            self.optimizer.zero_grad()
            (each * self._factors(each, None if drawn or counts is None else counts[index])).mean().backward()
            self._pace()
            if self.chosen["clip_norm"] is not None:
                torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.chosen["clip_norm"], foreach=False)
            self.optimizer.step()
            self.step += 1
            total += loss.item() * len(index)
        return total / sum(map(len, batches))

    def _unchanged(self):
        """What the net sees of all training examples where it is measured."""
        return self.inputs

    def _seen(self, epoch, order):
        """A function from a step and its examples to what the net sees of them."""
        return lambda _, index: self.inputs[index]

    def _factors(self, losses, counts):
        """What the emphasis multiplies each example's gradient by."""
        focus = self.chosen["emphasis"].get("focus")
        if focus is not None:
            return (1 - torch.exp(-losses.detach())) ** focus
        return torch.ones_like(losses) if counts is None else counts

    def _masks(self, epoch):
        """By layer a function from the step to masks [B, width], as the trial's stream gives them."""
        widths = {"1.mask": self.inputs[0].numel()}
        widths |= {f"{4 + 3 * n}.mask": width for n, width in enumerate(self.spec.work.model["hidden"])}
        found = {}
        for name, width in widths.items():
            rate = self.chosen[DROPOUT[name == "1.mask"]]
            if rate > 0:
                seed = derive(self.spec.seeds.dropout, epoch, name)
                drawn = streams.Masks(torch.tensor([rate], dtype=self.dtype), [seed], (width,), self.batch)
                found[name] = lambda step, drawn=drawn: drawn.draw(step)[0]
        return found

    def _pace(self):
        """Set this step's learning rate and momentum."""
        norm = math.sqrt(sum(float(p.grad.double().square().sum()) for p in self.net.parameters()))
        self.smoothed = norm if self.step == 0 else 0.9 * self.smoothed + 0.1 * norm
        self.largest = max(self.largest, self.smoothed)
        at = literature.Moment(self.step, self.steps, self.smoothed / self.largest if self.largest > 0 else 1.0)
        rate = self.chosen["learning_rate_schedule"]
        factor = literature.RATE_SCHEDULES[rate["schedule"]].value(at, rate)
        for group in self.optimizer.param_groups:
            group["lr"] = self.chosen["learning_rate"] * factor * group["factor"]
            if "momentum" in self.chosen:
                curve = literature.MOMENTUM_SCHEDULES[self.chosen["momentum"]["schedule"]]
                group["momentum"] = curve.value(at, self.chosen["momentum"])


def dropping(masks, step):
    """A function from a layer's name and its inputs [B, width] to these, masked where the layer drops."""

    def mask(name, x):
        return x * masks[name](step)[: len(x)] if name in masks else x

    return mask


def plain_net(work, data):
    """The model's plain module, its weights drawn from torch's global generator."""
    net = {**literature.MODELS, **plain.MODELS}[work.model["name"]]
    return net.make(data.net_shape, data.classes, work.model).to(DTYPES[work.precision])
