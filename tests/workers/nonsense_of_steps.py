"""Optimizers and schedules that give nonsense: their file, the arm that names them, and what is told."""

OPTIMIZER = """
from slalom.wire.kinds import Number
from slalom_worker.optimizers import Optimizer
def update(block):
    mean, rate = block.state["mean"], block.columns["rate"]
    STEP
Mine = Optimizer(update, ("mean",), {"gain": Number(1.0)}OTHERS)
"""
STEP = "block.parameters.addcmul_(block.gradient, rate, value=-1)"


def optimizer(step, others=""):
    return OPTIMIZER.replace("STEP", step).replace("OTHERS", others), {"optimizer": "mine.py:Mine"}


OPTIMIZERS = {
    "divides by a slope of 0": (
        *optimizer("block.parameters.addcmul_(block.gradient / block.gradient.abs(), rate, value=-1)"),
        "update must give finite numbers of finite ones: block.parameters after step 1 of a parabola, but gave nan",
    ),
    "a buffer that is none": (
        *optimizer(f"mean.copy_(mean.log()); {STEP}"),
        "update must give finite numbers of finite ones: mean after step 1 of a parabola, but gave -inf",
    ),
    "moves a copy": (
        *optimizer("new = block.parameters - rate * block.gradient"),
        "update must change block.parameters in place, .* but left them as they were for 20 steps",
    ),
    "another buffer": (
        *optimizer(f'block.state["mean"] = mean + block.gradient; {STEP}'),
        r'update must change block.state\["mean"\] in place, .* but put another tensor there',
    ),
    "the rate in place": (
        *optimizer(f"rate.mul_(0.5); {STEP}"),
        "update must leave what it is given as it is, but changed rate",
    ),
    "a hyperparameter in place": (
        *optimizer(f'block.columns["gain"].mul_(0.5); {STEP}'),
        "update must leave what it is given as it is, but changed gain",
    ),
    "a column without numbers": (
        *optimizer(STEP, ', columns={"late": lambda n, given: (n - 4).log()}'),
        r"late must give finite numbers in updates 1 to \d+, but gave (nan|-inf)",
    ),
    "a column of another shape": (
        *optimizer(STEP, ', columns={"late": lambda n, given: n[:2]}'),
        r"late must give a tensor \[steps, e\] or \[e\] of real numbers, here .*, but gave one of the shape \[2, ",
    ),
    "a column that is a number": (
        *optimizer(STEP, ', columns={"late": lambda n, given: 0.5}'),
        r"late must give a tensor \[steps, e\] or \[e\] of real numbers, here .*, but gave 0.5",
    ),
    "a buffer of the pack's name": (
        *optimizer(STEP, ', scalars=("step",)'),
        "names must differ from each other and from parameters, misses, step, .* but 'step' does not",
    ),
    "a column of the pack's name": (
        *optimizer(STEP, ', columns={"rate": lambda n, given: n}'),
        "names must differ from each other and from rate, momentum, and have no dot, but 'rate' does not",
    ),
    "an answer that is none": (
        *optimizer(STEP, ', answer="best"'),
        r"answer needs the buffer 'best' in state, but state is \('mean',\)",
    ),
    "curvature of nothing": (
        *optimizer(STEP, ", curvature=True"),
        r"curvature needs the buffer 'curvature' in state, but state is \('mean',\)",
    ),
    "momentum 1": (*optimizer(STEP, ", momentum=1.0"), r"momentum must be in \[0, 1\), but is 1.0"),
}

SCHEDULE = """
from slalom.wire.kinds import Number
from slalom_worker.schedules import Schedule
def value(clock, given):
    return VALUE
Mine = Schedule(value, {"by": Number(0.5, 0.0, 9.0)}OTHERS)
"""


def schedule(value, key="learning_rate_schedule", others="", **given):
    text = SCHEDULE.replace("VALUE", value).replace("OTHERS", others)
    return text, {key: {"schedule": "mine.py:Mine", **given}}


# 7 epochs of batches of 32 of 1078 training examples: 238 steps
SCHEDULES = {
    "none at one step": (
        *schedule("1 / (clock.step != 100).double() - 1 + clock.step * 0 + 1"),
        "value must give finite factors of the learning rate, 0 or more, but gave inf at step 101 of 238",
    ),
    "negative in the end": (
        *schedule("1 - given['by'] * clock.step / clock.steps", by=2),
        r"value must give finite factors .*, but gave -\d\S* at step 121 of 238 \(by=2",
    ),
    "negative somewhere in what is searched": (
        *schedule("1 - given['by'] * clock.step / clock.steps", by={"uniform": [0, 1.5]}),
        r"value must give finite factors .*, but gave -\d\S* at step 160 of 238 \(by=1.5",
    ),
    "a momentum of 1": (
        *schedule("given['by'] * (clock.step + 1) / clock.steps", key="momentum", by=1),
        r"value must give momenta in \[0, 1\), but gave 1.0 at step 238 of 238",
    ),
    "a negative momentum": (
        *schedule("given['by'] - clock.step / clock.steps", key="momentum"),
        r"value must give momenta in \[0, 1\), but gave -0.0\d+ at step 121 of 238",
    ),
    "none of one slope": (
        *schedule("1 / clock.gradient_ratio", others=", reads_gradient=True"),
        "value must give finite factors .*, but gave inf at step 1 of 238",
    ),
    "a number": (
        *schedule("0.5"),
        r"value must give a tensor \[steps, k\] of real numbers, here \[3, 4\], but gave 0.5",
    ),
    "steps alone": (
        *schedule("clock.step[:, 0] * 0 + 1"),
        r"value must give a tensor \[steps, k\] .*, but gave one of the shape \[3\]",
    ),
    "complex": (
        *schedule("(clock.step * 0j)"),
        r"value must give a tensor \[steps, k\] of real numbers, here \[3, 4\], but gave one of torch.complex128",
    ),
    "the clock in place": (
        *schedule("clock.step.add_(1) * 0 + 1"),
        "value must leave what it is given as it is, but changed clock.step",
    ),
    "its parameters in place": (
        *schedule("given['by'].mul_(0.5) + clock.step * 0"),
        r"value must leave what it is given as it is, but changed parameters\['by'\]",
    ),
    "the mean of the steps": (
        *schedule("clock.step.mean(0) / clock.steps + clock.step * 0"),
        "value must give each step's value by its own clock alone, but gave",
    ),
    "the mean of the slots": (
        *schedule("(clock.step * 0 + clock.step.flatten().cumsum(0).reshape(clock.step.shape)).tanh()"),
        "value must give each slot's value by its own clock alone, but gave",
    ),
}
