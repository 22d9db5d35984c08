"""Trials of nets of pictures, and the plain training that they are held to."""

import numpy as np
import torch
from torch import nn

from slalom.wire.seeds import derive
from slalom.wire.trial import Work
from slalom_worker.models import MODELS
from slalom_worker.net.objective import Objective
from slalom_worker.tasks import Data, Split
from slalom_worker.training import streams
from tests.workers.models import plain
from tests.workers.reference import Reference
from tests.workers.trials import CPU

CROSS_ENTROPY = {"name": "cross_entropy", "label_smoothing": 0.0}
LOSSES = {"lenet5": {"name": "radial", "j": 1.0}, "lenet1989": {"name": "squared_error", "low": -1.0, "high": 1.0}}
LOSSES["lenet1989"]["output"] = "scaled_tanh"


def pictures():
    """Ten classes, 26 pictures of 8 x 8 pixels in rows; the last batch of 10 has 6."""
    random = np.random.default_rng(0)
    labels = np.arange(26) % 10
    inputs = (random.uniform(size=(26, 64)) * 0.5 + np.eye(64)[labels * 6] * 0.5).astype(np.float32)
    split = Split(inputs, labels)
    return Data(split, Split(inputs[:9], labels[:9]), Split(inputs[:9], labels[:9]), 10, picture=(1, 8, 8))


DATA = pictures()


def model(name, **structure):
    """A model's complete structure, with its name."""
    defaults = {option: kind.default for option, kind in MODELS[name].structure.items()}
    return {"name": name, **defaults, **structure}


STRUCTURES = [(name, chosen) for name, net in plain.MODELS.items() for chosen in net.structures]


def work(name, precision="float64", **structure):
    return Work({"name": "pictures"}, model(name, **structure), 10, precision, LOSSES.get(name, CROSS_ENTROPY))


def objective(of):
    return Objective(of, DATA, None, CPU)


class PictureReference(Reference):
    """A trial in plain torch, of the initial weights and with the masks of the product."""

    def __init__(self, spec, program):
        self.program = program
        super().__init__(spec, program.data)
        nn.utils.vector_to_parameters(program.initial(spec.seeds.weights), self.net.parameters())

    def _seen_data(self):
        return self.program.view.data

    def _factor(self, number):
        rates = self.chosen["layer_rates"]
        if not isinstance(rates, dict):
            return rates
        first = [0, *np.cumsum([parameter.numel() for parameter in self.net.parameters()])][number]
        return rates[str(int(self.program.layer_of[int(first)]) + 1)]

    def _masks(self, epoch):
        found = {}
        for name, call in self.program.forward.dropouts.items():
            rate = call.layer.rate_for(self.chosen)
            if rate > 0:
                seed = derive(self.spec.seeds.dropout, epoch, name)
                drawn = streams.Masks(torch.tensor([rate], dtype=self.dtype), [seed], call.shape, self.batch)
                place = "input" if call.layer.setting == "input_dropout" else call.layer.layer
                found[place] = lambda step, drawn=drawn: drawn.draw(step)[0]
        return found
