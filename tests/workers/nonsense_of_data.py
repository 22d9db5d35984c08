"""What is given for data that is nonsense: the file, the arm that names it, and what is told of the method there.

Emphasis, preprocessing, augmentation, metrics.
"""

EMPHASIS = """
import itertools
import numpy as np
from slalom.wire.kinds import Number
from slalom_worker.emphasis.base import BY, Emphasis
calls = itertools.count()
def weights(state, given):
    n = len(state.labels)
    WEIGHTS
Mine = Emphasis(weights, {"by": BY, "strength": Number(1.0)}OTHERS)
"""


def emphasis(weights, others="", **given):
    text = EMPHASIS.replace("WEIGHTS", weights).replace("OTHERS", others)
    return text, {"emphasis": {"scheme": "mine.py:Mine", **given}}


WEIGHTS = r"weights must give a numpy array \[1078\] of finite numbers above 0, one for each example, but gave "
SCHEMES = {
    "negative": (*emphasis("return 0.5 - state.labels"), WEIGHTS + r"-\d.5 for example \d+, in epoch 1 of 7"),
    "zero": (*emphasis("return (state.labels > 3) * 1.0"), WEIGHTS + r"0.0 for example \d+, in epoch 1 of 7"),
    "none later": (
        *emphasis("return np.full(n, np.nan if state.epoch == 6 else 1.0)"),
        WEIGHTS + "nan .* in epoch 7 of 7",
    ),
    "too many misses": (
        *emphasis("return 5.0 - state.misses", ", reads_net=True"),
        WEIGHTS + r"0.0 for example \d+, in epoch 5 of 7",
    ),
    "with a strength that is searched": (
        *emphasis("return 2.0 - given['strength'] * np.ones(n)", strength={"uniform": [0, 3]}),
        WEIGHTS + r"-1.0 for example 0, in epoch 1 of 7 \(strength=3",
    ),
    "of another length": (*emphasis("return np.ones(n - 1)"), WEIGHTS + r"one of the shape \[1077\]"),
    "a column": (*emphasis("return np.ones((n, 1))"), WEIGHTS + r"one of the shape \[1078, 1\]"),
    "a list": (*emphasis("return [1.0] * n"), WEIGHTS + r"\[1.0, 1.0"),
    "texts": (*emphasis("return np.array(['1'] * n)"), WEIGHTS + r"array\(\['1'"),
    "complex": (*emphasis("return np.ones(n) * 1j"), WEIGHTS + r"array\(\[0.\+1.j"),
    "nothing": (*emphasis("np.ones(n)"), WEIGHTS + "None"),
    "labels in place": (
        *emphasis("state.labels[:] += 1; return state.labels * 1.0"),
        "weights must leave what it is given as it is, but changed state.labels",
    ),
    "its options in place": (
        *emphasis("given['strength'] = 2.0; return np.ones(n)"),
        r"weights must leave what it is given as it is, but changed parameters\['strength'\]",
    ),
    "the number of its call": (
        *emphasis("return np.full(n, 1.0 + next(calls))"),
        "weights must give the same weights for the same state, but gave",
    ),
}

PREPROCESSING = """
import itertools
import numpy as np
from slalom_worker.preprocessing import Fitted, Preprocessing
calls = itertools.count()
def find(x):
    d = x.shape[1]
    FIND
Mine = Preprocessing(findOTHERS)
"""


def preprocessing(find, others=""):
    return PREPROCESSING.replace("FIND", find).replace("OTHERS", others), {"preprocess": "mine.py:Mine"}


FIND = r"find must give a Fitted\(shift \[64\], factor \[64\] or \[64, 64\]\) of finite numbers, but "
MOMENTS = ", of_moments=lambda mean, variance: Fitted(mean, variance + 1)"
PREPROCESSINGS = {
    "none where inputs are constant": (
        *preprocessing("with np.errstate(all='ignore'): return Fitted(x.mean(0), 1 / x.std(0))"),
        FIND + r"its factor is inf at \[\d+\]",
    ),
    "a shift that is none": (
        *preprocessing("return Fitted(x[0] * np.nan, np.ones(d))"),
        FIND + r"its shift is nan at \[0\]",
    ),
    "the inputs themselves": (*preprocessing("return x - x.mean(0)"), FIND + r"gave array\(\[\["),
    "a tuple": (*preprocessing("return x.mean(0), x.std(0)"), FIND + r"gave \(array"),
    "fewer numbers": (
        *preprocessing("return Fitted(x.mean(0), np.eye(d)[:, :5])"),
        FIND + r"its factor has the shape \[64, 5\]",
    ),
    "for every row": (*preprocessing("return Fitted(x, np.ones(d))"), FIND + r"its shift has the shape \[\d+, 64\]"),
    "a number": (*preprocessing("return Fitted(x.mean(), np.ones(d))"), FIND + r"its shift (has the shape \[\]|is)"),
    "complex": (*preprocessing("return Fitted(x.mean(0), np.ones(d) * 1j)"), FIND + r"its factor is array\(\[0.\+1.j"),
    "too large for the net": (
        *preprocessing("return Fitted(x.mean(0), np.full(d, 1e200))"),
        "find must give finite numbers in place of the first training inputs, but gave",
    ),
    "another one each time": (
        *preprocessing("return Fitted(x.mean(0) + next(calls), np.ones(d))"),
        "find must give the same map of the same inputs, but gave another one",
    ),
    "only adds, as it says": (
        *preprocessing("return Fitted(x.mean(0), np.full(d, 2.0))", ", keeps_units=True"),
        "keeps_units says that it only adds to numbers, but its factor is not 1",
    ),
    "other moments": (
        *preprocessing("return Fitted(x.mean(0), np.ones(d))", MOMENTS),
        "of_moments must give the map that find gives of inputs with that mean and variance",
    ),
}

AUGMENTATION = """
import numpy as np
from slalom.wire.kinds import Number
from slalom_worker.augmentation import Augmentation
def change(pictures, given):
    CHANGE
Mine = Augmentation(change, {"by": Number(0.5)}OTHERS)
"""


def augmentation(change, others="", **given):
    text = AUGMENTATION.replace("CHANGE", change).replace("OTHERS", others)
    return text, {"augmentation": {"method": "mine.py:Mine", **given}}


AUGMENTATIONS = {
    "none": (*augmentation("return pictures.log()"), "change must give finite pixels .*, but gave -inf"),
    "none at an end": (
        *augmentation("return pictures / given.options['by'].float()[..., None, None, None]", by={"uniform": [0, 1]}),
        r"change must give finite pixels \(method=mine.py:Mine, by=0(.0)?\), but gave",
    ),
    "fewer": (
        *augmentation("return pictures[:, 1:]"),
        r"change must give pictures \[2, 64, 1, 8, 8\], as many as it got, but gave \[2, 63, 1, 8, 8\]",
    ),
    "smaller": (
        *augmentation("return pictures[..., 1:]"),
        r"change must give pictures \[2, 64, 1, 8, 8\], as many as it got, but gave \[2, 64, 1, 8, 7\]",
    ),
    "of another type": (
        *augmentation("return pictures.double()"),
        "change must give a tensor of pictures, torch.float32 as it got them, but gave of torch.float64",
    ),
    "nothing": (*augmentation("pictures * 2"), "change must give a tensor of pictures, .*, but gave None"),
    "in place": (
        *augmentation("return pictures.mul_(0.5)"),
        "change must leave what it is given as it is, but changed pictures",
    ),
    "mixed with the next": (
        *augmentation("return (pictures + pictures.roll(1, 1)) / 2"),
        "change must give each picture by itself and its own draws alone, but gave",
    ),
    "less the mean of the batch": (
        *augmentation("return pictures - pictures.mean((1, 2, 3, 4), keepdim=True)"),
        "change must give each picture by itself and its own draws alone, but gave",
    ),
    "learns nothing": (
        *augmentation("return pictures * 1", ", learn=lambda parts: np.array([np.nan])"),
        "learn must give finite numbers, but gave nan",
    ),
    "learns a list": (
        *augmentation("return pictures * 1", ", learn=lambda parts: [1.0]"),
        r"learn must give a numpy array float64, but gave \[1.0\]",
    ),
}

METRIC = """
import itertools
import numpy as np
from slalom_worker.metrics import Metric
calls = itertools.count()
def value(labels, predictions, weights):
    VALUE
Mine = Metric(value, GOAL)
"""
NUMBER = "metric mine.py:Mine must give a finite number, but gave "
METRICS = {
    "none where predictions are all alike": (
        "with np.errstate(all='ignore'): return predictions.argmax(1).std() / predictions.argmax(1).std()",
        NUMBER + "np.float64(nan), where predictions are all alike",
    ),
    "none": ("return float('nan')", NUMBER + "nan, where predictions are by chance"),
    "complex": ("return 1j", NUMBER + "1j"),
    "numpy's complex": ("return np.complex128(1j)", NUMBER + "np.complex128(1j)"),
    "a text": ("return 'good'", NUMBER + "'good'"),
    "an array": ("return (labels == predictions.argmax(1)) * 1.0", NUMBER + "array("),
    "nothing": ("predictions.mean()", NUMBER + "None"),
    "another one each time": (
        "return float(next(calls))",
        "metric mine.py:Mine must be the same of the same predictions, but was 0.0, then 1.0",
    ),
    "labels in place": (
        "labels.sort(); return 0.5",
        "metric mine.py:Mine: value must leave what it is given as it is, but changed labels",
    ),
    "predictions in place": (
        "predictions -= 1; return 0.5",
        "metric mine.py:Mine: value must leave what it is given as it is, but changed predictions",
    ),
}
