"""Every net of pictures in packs: plain torch's numbers, and the same bits at every width."""

from math import isfinite

import pytest
import torch

from slalom_worker.initializations import INITIALIZATIONS
from slalom_worker.net.modules import build_module, initialise, weights_of
from tests.support.tiers import few
from tests.workers.checks import check_equivalence, check_invariance
from tests.workers.models.picture_trials import STRUCTURES, PictureReference, objective, work
from tests.workers.trials import settings, trial

EPOCHS = 2


def chosen(program):
    """One way of training after the other, that together have what can be set of weights, layers and dropout."""
    layers = int(program.layer_of.max()) + 1
    rates = {str(number): 1.0 + number / 4 for number in range(1, layers + 1)}
    return [
        settings("nesterov", learning_rate=0.002, weight_decay=1e-3, hidden_dropout=0.3, layer_rates=rates),
        settings("adam", learning_rate=0.001, input_dropout=0.1, weight_decay=1e-2, decay_biases=False, clip_norm=1.0),
        settings(
            "sgd", learning_rate=0.005, hidden_dropout=0.2, learning_rate_schedule={"schedule": "cosine", "end": 0.1}
        ),
        settings(
            "alexnet", learning_rate=0.002, emphasis={"scheme": "class_balanced", "strength": 1.0, "by": "weighting"}
        ),
    ]


def specs(program, count):
    ways = chosen(program)
    return [trial(n, program.work, ways[n % len(ways)], epochs=EPOCHS) for n in range(count)]


@pytest.mark.parametrize("width", few([1, 2, 7]))
@pytest.mark.parametrize(("name", "structure"), few(STRUCTURES, 8), ids=str)
def test_a_pack_trains_every_net_of_pictures_as_torch_does(name, structure, width):
    program = objective(work(name, **structure))
    count = 4 if width == 7 else 2
    trials = specs(program, count)[-width:]
    wanted = {spec.id.number: PictureReference(spec, program).train() for spec in trials}
    assert all(isfinite(one.loss) for one in wanted.values())
    check_equivalence(program, trials, wanted, width)


@pytest.mark.parametrize(("name", "structure"), few(STRUCTURES, 3), ids=str)
def test_no_net_of_pictures_makes_a_trial_depend_on_its_pack(name, structure):
    program = objective(work(name, "float32", **structure))
    check_invariance(program, specs(program, 8), (1, 2, 7))


@pytest.mark.parametrize("scheme", ["fan_in", "he"])
@pytest.mark.parametrize(("name", "structure"), STRUCTURES, ids=str)
def test_a_trial_begins_as_the_net_built_from_its_seed(name, structure, scheme):
    program = objective(work(name, **structure))
    for seed in (7, 3):
        module = build_module(program.work, program.data, None, seed)
        initialise(module, INITIALIZATIONS[scheme], {"scheme": scheme}, seed)
        built = torch.cat([part.detach().flatten() for part in weights_of(module).values()])
        assert torch.equal(program.initial(seed, {"scheme": scheme}), built)
