"""The pack against an independent, plain reference: one nn.Module, torch.optim, one trial at a time."""

from functools import cache
from math import isfinite

import pytest
import torch
from torch import nn

from slalom_worker.emphasis import EMPHASIS
from slalom_worker.losses import LOSSES
from slalom_worker.models import MODELS
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.schedules import MOMENTUM_SCHEDULES, RATE_SCHEDULES
from tests.support.tiers import few
from tests.workers import literature
from tests.workers.cases import DATA, STRUCTURES, WIDTHS, activations, cases, clouds_objective, clouds_work, diverging
from tests.workers.checks import check_equivalence, results, train
from tests.workers.models import plain
from tests.workers.reference import Reference, plain_net
from tests.workers.trials import settings, trial

EPOCHS = 8
"""Of 11 steps each."""

STEPWISE = {"sutskever": 24}
"""Of a schedule that goes by steps, whatever the epochs: 264, so that its change at step 250 is among them."""

WORK = clouds_work()
REFERENCE_SECONDS = 900
"""Most of the references are trained within a single test."""

TABLES = {
    # those that need all examples in every step do not fit the suite's batches: test_conjugate_gradient.py
    "OPTIMIZERS": ({n: one for n, one in OPTIMIZERS.items() if one.full_batch is None}, "hyperparameters"),
    "MOMENTUM_SCHEDULES": (MOMENTUM_SCHEDULES, "parameters"),
    "RATE_SCHEDULES": (RATE_SCHEDULES, "parameters"),
    "EMPHASIS": (EMPHASIS, "parameters"),
    "LOSSES": (LOSSES, "parameters"),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_method_has_a_reference_for_all_that_can_be_set(table):
    product, parameters = TABLES[table]
    references = getattr(literature, table)
    missing = product.keys() - references.keys()
    assert not missing, f"{sorted(missing)}: no reference; add a line to {table} in tests/workers/literature.py"
    for name, method in product.items():
        trained = {key for chosen in references[name].settings for key in chosen}
        unset = set(getattr(method, parameters)) - trained
        assert not unset, f"{name}: no reference sets {sorted(unset)}; add it to {table} in tests/workers/literature.py"


def test_every_model_and_activation_has_a_reference():
    # the last two are too large to train here: tests/workers/models/test_models.py holds their layers, made narrow
    missing = MODELS.keys() - literature.MODELS.keys() - plain.MODELS.keys() - {"alexnet", "alexnet_single"}
    place = "tests/workers/literature.py, or of nets of pictures in tests/workers/models/plain.py"
    assert not missing, f"{sorted(missing)}: no reference; add a line to MODELS in {place}"
    missing = {name for model in MODELS for name in activations(model) if name} - literature.ACTIVATIONS.keys()
    assert not missing, f"{sorted(missing)}: no reference; add a line to ACTIVATIONS in tests/workers/literature.py"


class References(dict):
    """What the reference makes of each trial, by number: trained when it is first asked for."""

    def __init__(self, specs):
        super().__init__()
        self.specs = {spec.id.number: spec for spec in specs}

    def __missing__(self, number):
        self[number] = Reference(self.specs[number], DATA).train()
        return self[number]


def epochs(case):
    return STEPWISE.get(case.settings.get("momentum", {}).get("schedule"), EPOCHS)


@cache
def suite():
    """Every case's width and trial, the trials that diverge, and the references of all."""
    found = [(case.width, trial(n, WORK, case.settings, epochs=epochs(case))) for n, case in enumerate(cases())]
    wild = diverging(WORK, epochs=2)
    return found, wild, References([spec for _, spec in found] + wild)


@pytest.mark.timeout(REFERENCE_SECONDS)
@pytest.mark.parametrize("width", few(sorted(WIDTHS, key=lambda width: width != 16)))
def test_a_pack_trains_every_trial_as_torch_does(width):
    """Those cases whose row in the covering array has this width; every method is in some of them."""
    found, _, wanted = suite()
    check_equivalence(clouds_objective(WORK), [spec for own, spec in found if own == width], wanted, width)


@pytest.mark.thorough
@pytest.mark.timeout(REFERENCE_SECONDS)
def test_wide_packs_train_all_cases_beside_trials_that_diverge():
    found, wild, wanted = suite()
    assert not any(isfinite(wanted[spec.id.number].loss) for spec in wild)
    specs = [spec for _, spec in found]
    middle = len(specs) // 2
    check_equivalence(clouds_objective(WORK), [*specs[:middle], *wild, *specs[middle:]], wanted, width=64)


@pytest.mark.parametrize(("precision", "tolerance"), few([("float64", 1e-9), ("float32", 1e-4)]))
@pytest.mark.parametrize(("name", "structure"), few(STRUCTURES, 3))
def test_a_pack_trains_every_model_as_torch_does(name, structure, precision, tolerance):
    work = clouds_work(precision=precision, name=name, **structure)
    chosen = [
        settings("sgd", learning_rate=0.2),
        settings("nesterov", weight_decay=1e-3, hidden_dropout=0.3),
        settings("adam", learning_rate=0.01, input_dropout=0.1),
    ]
    specs = [trial(n, work, one, epochs=19) for n, one in enumerate(chosen)]
    wanted = {spec.id.number: Reference(spec, DATA).train() for spec in specs}
    check_equivalence(clouds_objective(work), specs, wanted, len(specs), tolerance)


def test_metrics_are_those_of_the_plain_net():
    program = clouds_objective(WORK)
    spec = trial(0, WORK, settings("adam", learning_rate=0.01), epochs=2)
    (found,) = results(program, train(program, [spec]))
    net = plain_net(WORK, DATA)
    nn.utils.vector_to_parameters(found["parameters"], net.parameters())
    labels = torch.as_tensor(DATA.validation.labels)
    logits = net(torch.as_tensor(DATA.validation.inputs).double()).detach()
    assert float(found["validation.loss"]) == pytest.approx(float(nn.functional.cross_entropy(logits, labels)), 1e-12)
    assert float(found["validation.error"]) == float((logits.argmax(1) != labels).double().mean())
    assert float(found["validation.accuracy"]) == 1 - float(found["validation.error"])
