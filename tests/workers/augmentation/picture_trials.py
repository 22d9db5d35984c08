"""Trials on augmented pictures, grey ones in rows and coloured ones, and the plain training that they are held to."""

from collections import Counter

import numpy as np
import torch

from slalom.wire.trial import Work
from slalom_worker.net.objective import Objective
from slalom_worker.tasks import Data, Split
from tests.workers.augmentation.plain import AUGMENTATION, augmented
from tests.workers.models.picture_trials import CROSS_ENTROPY, PictureReference, model
from tests.workers.trials import CPU

EVALUATIONS = ({"by": "whole"}, {"by": "center", "size": 6}, {"by": "ten_crop", "size": 6})


def data(*shape, picture=None):
    """26 pictures of ten classes; the last batch of 10 has 6."""
    random = np.random.default_rng(0)
    labels = np.arange(26) % 10
    inputs = random.uniform(size=(26, *shape)).astype(np.float32)
    inputs += labels.reshape(26, *(1 for _ in shape)).astype(np.float32) / 10
    train, rest = Split(inputs[:23], labels[:23]), Split(inputs[17:] / 2, labels[17:])
    return Data(train, rest, rest, 10, picture=picture)


GREY = data(72, picture=(1, 9, 8))
COLORED = data(3, 9, 8)
CONVNET = {"channels": (3, 4), "kernels": (3,), "full": (7,)}


def work(evaluation=EVALUATIONS[0], precision="float64", batch_size=10, **structure):
    net = model("convnet", **{**CONVNET, **structure})
    return Work({"name": "pictures"}, net, batch_size, precision, CROSS_ENTROPY, evaluation=evaluation)


def objective(of, pictures=COLORED):
    return Objective(of, pictures, None, CPU)


def listed(*parts):
    """The setting of several augmentations, one after the other."""
    if len(parts) == 1:
        return parts[0]
    numbered = {f"{n}.{name}": value for n, part in enumerate(parts, 1) for name, value in part.items()}
    return {"method": "sequence", **numbered}


ALONE = [[{"method": name, **chosen}] for name, plain in AUGMENTATION.items() for chosen in plain.settings]
LISTS = [
    [{"method": "crop", "pad": 2}, {"method": "mirror", "share": 0.5}, {"method": "color_jitter", "sigma": 0.2}],
    [{"method": "mirror", "share": 0.5}, {"method": "shift", "pixels": 1}, {"method": "mirror", "share": 0.5}],
    [{"method": "distort", "scale": 0.2, "shear": 0.2, "elastic": 0.5}, {"method": "crop", "pad": 1}],
]


class AugmentedReference(PictureReference):
    """A trial in plain torch, its pictures changed one by one."""

    def __init__(self, spec, program, parts):
        self.parts = parts
        super().__init__(spec, program)

    def _unchanged(self):
        _, *sides = self.program.view.seen
        top, left = ((own - seen) // 2 for own, seen in zip(self.program.view.shape[1:], sides, strict=True))
        return self.inputs[:, :, top : top + sides[0], left : left + sides[1]]

    def _seen(self, epoch, order):
        view, used, uses = self.program.view, Counter(), []
        for example in order.tolist():
            uses.append(used[example])
            used[example] += 1
        train = self.inputs.numpy().reshape(-1, *view.shape)

        def seen(step, index):
            return torch.stack(
                [
                    self._picture(train, epoch, example, uses[step * self.batch + place])
                    for place, example in enumerate(index.tolist())
                ]
            )

        return seen

    def _picture(self, train, epoch, example, use):
        seed, size = self.spec.seeds.batches, self.program.view.seen[1:]
        found = augmented(train[example], self.parts, seed, epoch, example, use, train, size)
        return torch.as_tensor(np.ascontiguousarray(found)).to(self.dtype)
