"""A user's task whose net has a convolution, which is oneDNN's."""

from torch import nn

from slalom_worker.tasks.data import Data, Split
from slalom_worker.tasks.digits import Digits


class Pictures:
    """The digits as pictures of one channel."""

    def load(self):
        digits = Digits().load()
        splits = (digits.train, digits.validation, digits.test)
        return Data(*(Split(one.inputs[:200].reshape(-1, 1, 8, 8), one.labels[:200]) for one in splits), classes=10)

    def model(self):
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10))
