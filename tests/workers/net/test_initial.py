"""A trial begins where a net that is built from its seed begins, whatever was drawn before it."""

import pytest
import torch

from slalom_worker.initializations import INITIALIZATIONS
from slalom_worker.net.modules import build_module, initialise, weights_of
from tests.workers.cases import PRECISIONS, STRUCTURES, clouds_objective, clouds_work


@pytest.mark.parametrize("scheme", ["fan_in", "he"])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("name", "structure"), STRUCTURES)
def test_it_is_that_of_the_net_built_from_the_seed(name, structure, precision, scheme):
    of = clouds_work(batch_size=51, precision=precision, name=name, **structure)
    objective = clouds_objective(of)
    for seed in (7, 3, 7):
        before = torch.get_rng_state()
        found = objective.initial(seed, {"scheme": scheme})
        assert torch.equal(torch.get_rng_state(), before)
        module = build_module(of, objective.data, objective.task, seed)
        initialise(module, INITIALIZATIONS[scheme], {"scheme": scheme}, seed)
        built = torch.cat([part.detach().flatten() for part in weights_of(module).values()])
        assert torch.equal(found, built)
        assert found.dtype == built.dtype
