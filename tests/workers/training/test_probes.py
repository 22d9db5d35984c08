"""What the user's own methods are asked before a study: the package's own methods answer it, each with its defaults."""

import pytest
import torch

from slalom.wire.trial import Work
from slalom_worker.augmentation import AUGMENTATION
from slalom_worker.emphasis import EMPHASIS
from slalom_worker.initializations import INITIALIZATIONS
from slalom_worker.losses import LOSSES
from slalom_worker.methods import BUNDLED
from slalom_worker.metrics import METRICS
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.preprocessing import PREPROCESSING
from slalom_worker.schedules import MOMENTUM_SCHEDULES, RATE_SCHEDULES
from slalom_worker.tasks import open_task
from slalom_worker.training.probes.examples import probe_emphasis
from slalom_worker.training.probes.inputs import probe_augmentation, probe_preprocessing
from slalom_worker.training.probes.losses import probe_average, probe_loss, probe_mean, probe_second
from slalom_worker.training.probes.metrics import probe_metric
from slalom_worker.training.probes.optimizers import probe_optimizer
from slalom_worker.training.probes.schedules import probe_schedules
from slalom_worker.training.probes.weights import probe_initialization
from tests.workers.trials import settings, trial

STEPS = 5000
MODEL = {"name": "mlp", "hidden": (4,), "activation": "tanh", "bias": True}
DIGITS = open_task({"name": "digits"}, None)
DATA = DIGITS.load()


def defaults(kinds, **chosen):
    return {name: 0.5 if kind.default is None else kind.default for name, kind in kinds.items()} | chosen


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer(name):
    probe_optimizer(name, OPTIMIZERS[name], [settings(name)] * 2, STEPS)


@pytest.mark.parametrize("name", RATE_SCHEDULES)
def test_a_schedule_of_the_learning_rate(name):
    own = f"own:{name}"
    chosen = [defaults(RATE_SCHEDULES[name].parameters, schedule=own)]
    sequence = {"schedule": "sequence", "1.schedule": own, "1.share": 0.3, "2.schedule": own}
    sequence |= {f"{n}.{key}": value for n in (1, 2) for key, value in chosen[0].items() if key != "schedule"}
    probe_schedules("learning_rate_schedule", {own: RATE_SCHEDULES[name]}, [*chosen, sequence], STEPS)


@pytest.mark.parametrize("name", MOMENTUM_SCHEDULES)
def test_a_schedule_of_the_momentum(name):
    own = f"own:{name}"
    chosen = defaults(MOMENTUM_SCHEDULES[name].parameters, schedule=own)
    probe_schedules("momentum", {own: MOMENTUM_SCHEDULES[name]}, [chosen], STEPS)


@pytest.mark.parametrize("name", EMPHASIS)
def test_an_emphasizing_scheme(name):
    probe_emphasis(name, EMPHASIS[name], defaults(EMPHASIS[name].parameters, scheme=name), DATA.train.labels, 40)


@pytest.mark.parametrize(
    ("name", "task"), [*((name, "digits") for name in LOSSES), ("squared_error", "quadratic_deep")]
)
def test_a_loss(name, task):
    data = open_task({"name": task}, None).load()
    labels = torch.from_numpy(data.train.labels[:20])
    given = (name, LOSSES[name], defaults(LOSSES[name].parameters, name=name), data.outputs)
    probe_loss(*given, labels)
    probe_second(*given)
    probe_average(*given)
    probe_mean(*given, labels)


@pytest.mark.parametrize("name", INITIALIZATIONS)
def test_an_initialization(name):
    work = Work({"name": "digits"}, MODEL, 32)
    chosen = settings(initialization=defaults(INITIALIZATIONS[name].parameters, scheme=name))
    probe_initialization(name, trial(0, work, chosen), DATA, DIGITS, BUNDLED)


@pytest.mark.parametrize("task", ["digits", "mixture"])
@pytest.mark.parametrize("name", PREPROCESSING)
def test_a_preparation_of_inputs(name, task):
    probe_preprocessing(name, PREPROCESSING[name], open_task({"name": task}, None).load())


@pytest.mark.parametrize("name", AUGMENTATION)
def test_an_augmentation(name):
    probe_augmentation(name, AUGMENTATION[name], defaults(AUGMENTATION[name].parameters), DATA, (8, 8))
    probe_augmentation(name, AUGMENTATION[name], defaults(AUGMENTATION[name].parameters), DATA, (6, 7))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric(name):
    data = open_task({"name": "quadratic_deep"}, None).load() if METRICS[name].of == "numbers" else DATA
    probe_metric(name, METRICS[name], data)
