"""Losses and initializations that give nonsense: their file, the arm that names them, and what is told."""

import re

LOSS = """
import torch
from slalom.wire.kinds import Number
from slalom_worker.losses import Loss
from slalom_worker.losses.cross_entropy import CROSS_ENTROPY as known
calls = []
def plain(outputs, labels):
    return known.each(outputs, labels, {"label_smoothing": 0.0})
def each(outputs, labels, options):
    EACH
def predict(outputs, options, numbers):
    PREDICT
Mine = Loss(each, SECOND, lambda o, s, l, _: MEAN, predict, {"power": Number(1.0)})
"""


def loss(
    each="return plain(outputs, labels)",
    predict="return outputs.softmax(-1)",
    second="known.second",
    mean='known.of_mean(o, s, l, {"label_smoothing": 0.0})',
    **arm,
):
    replaced = {"EACH": each, "PREDICT": predict, "SECOND": second, "MEAN": mean}
    text = re.sub("|".join(replaced), lambda found: replaced[found[0]], LOSS)
    return text, {"loss": "mine.py:Mine", **arm}


EACH = r"each must give a tensor \[E, B\] of real numbers, here \[2, 24\], but gave "
LOSSES = {
    "none": (
        *loss("return (plain(outputs, labels) - 9).log()"),
        "each must give finite losses of finite outputs .*, but gave nan",
    ),
    "a slope that is none": (
        *loss("return plain(outputs, labels) + (outputs[..., 0] * 0).sqrt()"),
        "each must give finite slopes of losses of finite outputs .*, but gave nan",
    ),
    "none with a power that is set": (
        loss("return (options['power'] * plain(outputs, labels)).sqrt()")[0],
        {"loss": {"name": "mine.py:Mine", "power": -1}},
        r"each must give finite losses of finite outputs \(power=-1(.0)?\), but gave nan",
    ),
    "the mean": (*loss("return plain(outputs, labels).mean()"), EACH + r"one of the shape \[\]"),
    "each output's": (*loss("return (outputs ** 2)"), EACH + r"one of the shape \[2, 24, 10\]"),
    "a number": (*loss("return 1.0"), EACH + "1.0"),
    "nothing": (*loss("plain(outputs, labels)"), EACH + "None"),
    "whole numbers": (
        *loss("return (outputs.argmax(-1) != labels).long()"),
        "each must give losses of floating point, but gave torch.int64",
    ),
    "no slope": (
        *loss("return (outputs.argmax(-1) != labels).float()"),
        "each must give losses whose slope by the outputs torch knows, but gave numbers without",
    ),
    "a slope of 0": (
        *loss("return plain(outputs, labels).round() + outputs[..., 0].round() * 0"),
        "each must have a slope to go down, but it is 0 at every one of 480 outputs",
    ),
    "of the whole batch": (
        *loss("found = plain(outputs, labels); return found - found.mean(1, keepdim=True)"),
        "each must give each example's loss by that example alone, but gave",
    ),
    "by chance": (
        *loss("return plain(outputs, labels) * torch.rand(())"),
        "each must give the same losses of the same outputs, but gave",
    ),
    "outputs in place": (
        *loss("outputs.data.mul_(2); return plain(outputs, labels)"),
        "each must leave what it is given as it is, but changed outputs",
    ),
    "labels in place": (
        *loss("found = plain(outputs, labels); labels.zero_(); return found"),
        "each must leave what it is given as it is, but changed labels",
    ),
    "outputs as predictions": (
        *loss(predict="return outputs"),
        "predict must give class probabilities, none negative and of sum 1, but gave",
    ),
    "classes as predictions": (
        *loss(predict="return outputs.argmax(-1)"),
        r"predict must give a tensor \[n, k\] of real numbers, here \[24, 10\], but gave one of the shape \[24\]",
    ),
    "a second derivative for all": (
        *loss(second="lambda outputs, _: outputs.new_ones(len(outputs))", optimizer="levenberg_marquardt"),
        r"second must give a tensor \[n, k\] of real numbers, here \[7, 10\], but gave one of the shape \[7\]",
    ),
    "another loss of the mean": (
        *loss(mean="plain(o, l.unsqueeze(0))[0] * 2", ensemble={"members": 2}),
        "of_mean must give of one net what `each` gives of it, but gave",
    ),
}

INITIALIZATION = """
import itertools
import random
import numpy
import torch
from slalom.wire.kinds import Number
from slalom_worker.initializations.base import Initialization
calls = itertools.count()
def draw(weights, fans, generator, given):
    DRAW
Mine = Initialization(draw, {"gain": Number(1.0)})
"""


def initialization(draw, **given):
    return INITIALIZATION.replace("DRAW", draw), {"initialization": {"scheme": "mine.py:Mine", **given}}


GLOBAL = "draw must draw from the generator that it is given, .* but drew from a global one, or seeded it"

INITIALIZATIONS = {
    "gives a tensor back": (
        *initialization("return torch.randn(weights.shape, generator=generator)"),
        r"draw must fill the weights that it is given in place, .* but gave a tensor of the shape \[8, 64\] back",
    ),
    "leaves them": (
        *initialization("weights = weights * 2"),
        "draw must fill the weights that it is given in place, .* but left those of all 2 layers as they were",
    ),
    "none": (
        *initialization("weights.normal_(generator=generator).log_()"),
        r"draw must give finite weights of shape \[8, 64\] \(gain=1.0\), but gave (nan|-inf)",
    ),
    "none at the end of what is searched": (
        *initialization("weights.normal_(0, 1, generator=generator).div_(given['gain'])", gain={"uniform": [0, 1]}),
        r"draw must give finite weights of shape \[8, 64\] \(gain=0(.0)?\), but gave (nan|-?inf)",
    ),
    "of torch's own generator": (*initialization("weights.normal_()"), GLOBAL),
    "another seed for torch": (*initialization("torch.manual_seed(0); weights.normal_(generator=generator)"), GLOBAL),
    "another seed for Python": (*initialization("random.seed(0); weights.normal_(0, 1, generator=generator)"), GLOBAL),
    "of numpy's own generator": (*initialization("weights.fill_(numpy.random.rand())"), GLOBAL),
    "by the number of its call": (
        *initialization("weights.fill_(0.01 * next(calls))"),
        "draw must draw the same weights from the same generator, but drew others",
    ),
    "another shape": (
        *initialization("weights.resize_(3, 4).zero_()"),
        r"draw must leave the shape \[8, 64\] of the weights, but made it \[3, 4\]|must not raise",
    ),
    "its options in place": (
        *initialization("given['gain'] = 2; weights.normal_(generator=generator)"),
        "draw must leave what it is given as it is, but changed its parameters",
    ),
}
