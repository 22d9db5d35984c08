"""Losses and targets: the pack against torch's own losses, and what a net with them predicts."""

import pytest
import torch

from slalom_worker.losses import LOSSES
from tests.support.tiers import few
from tests.workers import literature
from tests.workers.cases import DATA, PRECISIONS, WIDTHS, clouds_objective, clouds_work
from tests.workers.checks import check_equivalence, check_invariance
from tests.workers.reference import Reference
from tests.workers.trials import settings, trial

CHOSEN = [
    settings("sgd", learning_rate=0.2),
    settings("nesterov", weight_decay=1e-3, hidden_dropout=0.3),
    settings("adam", learning_rate=0.01, emphasis={"scheme": "class_balanced", "strength": 1.0, "by": "sampling"}),
]
OPTIONS = [{"name": name, **chosen} for name, loss in literature.LOSSES.items() for chosen in loss.settings]


@pytest.mark.parametrize("loss", few(OPTIONS, 4), ids=str)
def test_a_pack_minimises_every_loss_as_torch_does(loss):
    work = clouds_work(loss=loss)
    specs = [trial(n, work, one, epochs=19) for n, one in enumerate(CHOSEN)]
    wanted = {spec.id.number: Reference(spec, DATA).train() for spec in specs}
    check_equivalence(clouds_objective(work), specs, wanted, len(specs))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("loss", few(OPTIONS), ids=str)
def test_no_loss_makes_a_trial_depend_on_its_pack(loss, precision):
    work = clouds_work(batch_size=33, precision=precision, loss=loss)
    specs = [trial(n, work, CHOSEN[n % len(CHOSEN)], epochs=2) for n in range(64)]
    check_invariance(clouds_objective(work), specs, WIDTHS)


@pytest.mark.parametrize("j", [0.1, 5.0])
def test_the_radial_loss_and_its_slopes_are_those_of_the_papers_equation(j):
    """Of penalties from 0, where a class is met, to some hundreds, as distances to LeNet-5's codes are."""
    torch.manual_seed(0)
    labels = torch.arange(24) % 6
    penalties = torch.cat([torch.rand(8, 6) * scale for scale in (1, 8, 300)]).double()
    outputs = (-penalties).requires_grad_()
    options = {"j": j}
    found = LOSSES["radial"].each(outputs.unsqueeze(0), labels.unsqueeze(0), options)[0]
    wanted = literature.radial(outputs, labels, options)
    assert (found - wanted).abs().max() < 1e-9
    (slope,) = torch.autograd.grad(found.sum(), outputs, create_graph=True)
    (other,) = torch.autograd.grad(wanted.sum(), outputs)
    assert (slope - other).abs().max() < 1e-9
    second = torch.stack(
        [torch.autograd.grad(slope[:, k].sum(), outputs, retain_graph=True)[0][:, k] for k in range(6)]
    )
    assert (LOSSES["radial"].second(outputs, options) - second.mT).abs().max() < 1e-9
    alone = LOSSES["radial"].of_mean(outputs.unsqueeze(0), torch.ones(1, 24).double(), labels, options)
    assert (alone - found).abs().max() < 1e-9


def test_what_a_net_says_is_a_probability_for_each_class():
    outputs = torch.tensor([[0.7, -0.7, -0.7], [-5.0, 5.0, 0.0]])
    options = {"low": -0.7, "high": 0.7, "output": "linear"}
    shares = LOSSES["squared_error"].predict(outputs, options, False)
    assert torch.allclose(shares, torch.tensor([[1.0, 0.0, 0.0], [0.0, 1 / 1.5, 0.5 / 1.5]]), atol=1e-5)
    assert torch.equal(LOSSES["squared_error"].predict(outputs, options, True), outputs)
    assert torch.equal(LOSSES["cross_entropy"].predict(outputs, {}, False), outputs.softmax(1))
