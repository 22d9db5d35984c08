"""The Gauss-Newton diagonal against exact derivatives, and what depends on it in a pack."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.func import functional_call, jacrev

from slalom.errors import InputError
from slalom.wire.trial import Outcome, Turn
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.losses import LOSSES
from slalom_worker.models.activations import ACTIVATIONS, Logistic
from slalom_worker.models.average import Average
from slalom_worker.models.linear import Linear
from slalom_worker.models.local import Local
from slalom_worker.models.maps import Maps
from slalom_worker.models.picture import Affine
from slalom_worker.models.radial import Radial
from slalom_worker.models.started import Convolution, Full
from slalom_worker.models.subsampling import Subsampling
from slalom_worker.net.curvature import LAYERS, Layer, LossSlopes, chain, diagonal
from slalom_worker.program.ways import Way
from tests.support.tiers import few
from tests.workers.cases import DATA, PRECISIONS, WIDTHS, clouds_objective, clouds_work
from tests.workers.checks import check_invariance, train
from tests.workers.models import picture_trials
from tests.workers.net.test_own_models import IMAGE, convolutions, objective
from tests.workers.trials import CPU, order, settings, trial, work
from tests.workers.trials import objective as bundled

INPUTS = torch.as_tensor(DATA.train.inputs[::5]).double()


def net(*widths, activation=nn.Tanh, outputs=()):
    torch.manual_seed(0)
    hidden = [part for one, other in pairwise(widths[:-1]) for part in (Linear(one, other), activation())]
    return nn.Sequential(*hidden, Linear(*widths[-2:]), *outputs).double()


def estimated(module, loss, inputs=INPUTS, output="linear"):
    """The mean over the inputs, flat [P]."""
    options = {"low": 0.0, "high": 1.0, "output": output}
    slopes = LossSlopes(lambda outputs: LOSSES[loss].second(outputs, options))
    found = diagonal(chain(module), slopes, dict(module.named_parameters()), inputs)
    return torch.cat([part.detach().flatten() for part in found]) / len(inputs)


def exact(module, loss, inputs=INPUTS):
    """The diagonal [P] of the mean of J^T H J, with whole Jacobians of one example at a time."""
    weights = {name: weight.detach() for name, weight in module.named_parameters()}
    total = 0.0
    for example in inputs:
        outputs = lambda weights, x=example: functional_call(module, weights, (x.unsqueeze(0),))[0]  # noqa: E731
        jacobian = torch.cat([part.flatten(1) for part in jacrev(outputs)(weights).values()], dim=1)
        p = outputs(weights).softmax(0)
        hessian = torch.eye(len(p)).double() if loss == "squared_error" else torch.diag(p) - torch.outer(p, p)
        total = total + torch.einsum("op,oq,qp->p", jacobian, hessian, jacobian)
    return total / len(inputs)


@pytest.mark.parametrize("outputs", [(), (Logistic(),)])
@pytest.mark.parametrize("activation", ACTIVATIONS.values())
def test_one_hidden_layer_with_squared_error_has_the_exact_diagonal(activation, outputs):
    module = net(2, 7, 3, activation=activation, outputs=outputs)
    want = exact(module, "squared_error")
    assert (estimated(module, "squared_error") - want).norm() < 1e-8 * want.norm()


@pytest.mark.parametrize("output", ["logistic", "tanh", "scaled_tanh"])
def test_an_output_function_of_the_loss_is_as_one_of_the_net(output):
    module, squashed = net(2, 7, 3), net(2, 7, 3, outputs=(ACTIVATIONS[output](),))
    within, of_the_net = estimated(module, "squared_error", output=output), estimated(squashed, "squared_error")
    assert torch.allclose(within, of_the_net, rtol=1e-12)


def test_a_layer_of_logits_has_the_exact_diagonal():
    module = net(2, 3)
    assert torch.allclose(estimated(module, "cross_entropy"), exact(module, "cross_entropy"), rtol=1e-10)


@pytest.mark.parametrize(("widths", "loss"), [((2, 7, 4, 3), "squared_error"), ((2, 7, 3), "cross_entropy")])
def test_elsewhere_it_is_an_approximation_of_the_right_size(widths, loss):
    """What it leaves out: products of different units, and of different outputs' probabilities."""
    module = net(*widths)
    got, want = estimated(module, loss), exact(module, loss)
    off = (got - want).norm() / want.norm()
    print(f"{widths}, {loss}: off by {off:.2f} of the norm, the sum by {got.sum() / want.sum() - 1:+.2f}")
    assert 1e-3 < off < 1
    assert 1 / 2 < got.sum() / want.sum() < 2


def test_a_convolution_has_the_diagonal_of_the_linear_layer_that_it_is():
    """Written as a matrix [outputs, inputs], each entry one of its weights: entries of one weight are added up."""
    torch.manual_seed(0)
    layer, last = nn.Conv2d(1, 2, 3, stride=2, padding=1).double(), nn.Linear(18, 3).double()
    module = nn.Sequential(layer, nn.Tanh(), nn.Flatten(), last)
    inputs = torch.randn(4, 1, 5, 5).double()
    plain = lambda weight: functional_call(layer, {"weight": weight, "bias": torch.zeros(2).double()}, (CELLS,))  # noqa: E731
    CELLS = torch.eye(25).double().view(25, 1, 5, 5)  # noqa: N806
    of_weight = jacrev(plain)(layer.weight.detach()).flatten(1, 3).flatten(2)  # [inputs, outputs, weights]
    dense = nn.Linear(25, 18).double()
    with torch.no_grad():
        dense.weight.copy_((of_weight @ layer.weight.flatten()).mT)
        dense.bias.copy_(layer.bias.repeat_interleave(9))
    same = nn.Sequential(nn.Flatten(), dense, nn.Tanh(), last)
    assert torch.allclose(module(inputs), same(inputs))
    found = estimated(same, "squared_error", inputs)
    weight, bias, rest = found.split([450, 18, 57])
    by_weight = torch.einsum("oi,iow->w", weight.view(18, 25), of_weight)
    want = torch.cat([by_weight, bias.view(2, 9).sum(1), rest])
    assert torch.allclose(estimated(module, "squared_error", inputs), want, rtol=1e-10)


def test_a_radial_output_counts_as_a_part_of_the_loss():
    """Far from every code the loss is a squared distance, and at most two classes' codes are ever near."""
    torch.manual_seed(0)
    layer, inputs = nn.Sequential(nn.Linear(3, 84), Radial()).double(), torch.randn(4, 3).double()
    options, loss = {"j": 1.0}, LOSSES["radial"]
    slopes = LossSlopes(lambda outputs: loss.second(outputs, options), lambda outputs: loss.slope(outputs, options))
    found, bias = diagonal(chain(layer), slopes, dict(layer.named_parameters()), inputs)
    assert torch.allclose(bias, torch.full_like(bias, 2.0 * len(inputs)))
    assert torch.allclose(found, 2 * (inputs**2).sum(0).expand_as(found))


MAPS, FLAT = (2, 6, 6), (84,)

RULES = {
    "average": (Average(2, 2), MAPS),
    "average of patches that overlap": (Average(3, 1), MAPS),
    "local": (Local(2, 3, 3, 2, 1, (3, 3)), MAPS),
    "convolution": (Convolution(2, 4, 3, None, padding=1, groups=2), MAPS),
    "maps": (Maps(2, ((0,), (0, 1), (1,)), 3, 1, (4, 4), "lecun"), MAPS),
    "subsampling": (Subsampling(2, "lecun"), MAPS),
    "affine": (Affine(1.275, -0.1), MAPS),
    "frame": (nn.ConstantPad2d((1, 2, 0, 1), -1.0), MAPS),
    "radial": (Radial(), FLAT),
    "full": (Full(84, 5, True, "deepobs"), FLAT),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_layer_squares_its_slopes(rule):
    """By its inputs, and by weights that one unit alone has, h is the sum of squared slopes times the outputs' h."""
    layer, shape = RULES[rule]
    layer, example = layer.double(), torch.randn(1, *shape).double()
    weights = {name: weight.detach() for name, weight in layer.named_parameters()}
    outputs, back = LAYERS[type(layer)](Layer("", layer), weights, example)
    second = torch.rand_like(outputs)
    by_weights, by_inputs = back(second)
    run = lambda weights, inputs: functional_call(layer, weights, (inputs,)).flatten()  # noqa: E731
    squared = lambda jacobian: torch.einsum("o,o...->...", second.flatten(), jacobian**2)  # noqa: E731
    wanted = squared(jacrev(run, argnums=1)(weights, example))
    assert (by_inputs - wanted).norm() < 1e-12 * wanted.norm()
    slopes = jacrev(run)(weights, example) if weights else {}
    for name, found in by_weights.items():
        if rule in ("local", "full") or (name, rule) == ("bias", "maps"):
            assert (found - squared(slopes[name])).norm() < 1e-12 * found.norm()
        assert found.shape == weights[name].shape


@pytest.mark.parametrize("name", ["lenet5", "lenet1989", "convnet"])
def test_lenets_own_optimizer_trains_lenets_in_packs(name):
    program = picture_trials.objective(picture_trials.work(name, "float32", **({} if name != "convnet" else SMALL)))
    check_invariance(program, marquardt(program.work, 3, epochs=1), (1, 2))
    (slot,) = train(program, marquardt(program.work, 1, epochs=2))
    assert float(slot.tensors["curvature"].min()) >= 0
    assert float(slot.tensors["curvature"].max()) > 0


SMALL = {"connectivity": "local", "pooling": "average", "channels": (3, 2), "kernels": (3,), "full": (5,)}


def test_a_pack_estimates_what_one_net_has():
    program = clouds_objective(clouds_work(hidden=(5,), activation="logistic"))
    parameters = torch.stack([program.initial(seed) for seed in range(3)])
    index = torch.arange(203).roll(7).repeat(3, 1)[:, :100]
    found = program.curvature(parameters, index)
    for row, got in zip(parameters, found, strict=True):
        nn.utils.vector_to_parameters(row, program.module.parameters())
        want = estimated(program.module, "cross_entropy", program.train.inputs[index[0]])
        assert torch.allclose(got, want, rtol=1e-12)


def test_more_examples_than_are_looked_at_together_are_averaged():
    program = bundled(work(hidden=(6,), precision="float64"))
    parameters = program.initial(0).unsqueeze(0)
    index = torch.arange(600).unsqueeze(0)
    parts = [program.curvature(parameters, part) for part in index.split(100, dim=1)]
    assert torch.allclose(program.curvature(parameters, index), torch.stack(parts).mean(0), rtol=1e-10)


SAMPLES = (500, 7, 50, 203, 50, 7, 1)


def marquardt(of, count, epochs=4, **changes):
    """Trials of different sample sizes, with decay and dropout here and there, and Adam among them."""
    chosen = [settings("levenberg_marquardt", learning_rate=0.02, sample=size, **changes) for size in SAMPLES]
    chosen[1] |= {"weight_decay": {"of": "mean", "value": 1e-3}, "decay_biases": False}
    chosen[2] |= {"emphasis": {"scheme": "class_balanced", "strength": 1.0, "by": "sampling"}}
    chosen.append(settings("adam", learning_rate=0.01))
    return [trial(n, of, chosen[n % len(chosen)], epochs=epochs) for n in range(count)]


@pytest.mark.thorough
@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_sample_makes_a_trial_depend_on_its_pack(precision):
    """Parked and seated in another order every third epoch, beside others of the same and of other sizes."""
    of = clouds_work(precision=precision, hidden=(7, 5), activation="logistic")
    check_invariance(clouds_objective(of), marquardt(of, 64), WIDTHS)


def uneven():
    """With an activation that torch rounds otherwise at the tail of a vector."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 9), nn.GELU(), nn.Linear(9, 2))


@pytest.mark.parametrize("make", few([uneven, convolutions]))
def test_the_curvature_of_nets_that_are_trained_slot_by_slot_does_not_depend_on_the_pack(make):
    program = objective(make, IMAGE)
    assert program.way is Way.APART
    check_invariance(program, marquardt(program.work, 16, epochs=2), (1, 2, 7, 16))
    (slot,) = train(program, marquardt(program.work, 1, epochs=2))
    assert float(slot.tensors["curvature"].min()) >= 0
    assert float(slot.tensors["curvature"].max()) > 0


def test_the_estimate_is_new_in_each_epoch_and_at_most_of_all_examples():
    of = clouds_work()
    program = clouds_objective(of)
    found = {}
    for size in (203, 500, 20):
        chosen = settings("levenberg_marquardt", learning_rate=1e-9, sample=size)
        for epochs in (1, 2):
            (slot,) = train(program, [trial(0, of, chosen, epochs=epochs)])
            found[size, epochs] = slot.tensors["curvature"].clone()
    assert torch.equal(found[203, 2], found[500, 2])
    assert torch.allclose(found[203, 1], found[203, 2], rtol=1e-6)  # the parameters hardly move: the same examples
    assert not torch.allclose(found[20, 1], found[20, 2], rtol=1e-2)  # others


def test_it_learns():
    of = work(hidden=(16,))
    program = bundled(of)
    (slot,) = train(program, [trial(0, of, settings("levenberg_marquardt", learning_rate=0.01), epochs=5)])
    assert float(program.evaluate(slot.best_parameters.unsqueeze(0), program.validation)["error"]) < 0.1


class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 2)

    def forward(self, inputs):
        return self.out(inputs)


def shared():
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Linear(4, 2))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (Wrapped, "but the net is Wrapped"),
        (lambda: nn.Sequential(nn.Linear(4, 2), nn.Sequential(nn.LayerNorm(2))), "but 1.0 is LayerNorm"),
        (shared, "some share"),
    ],
)
def test_a_net_of_other_layers_is_refused_with_the_reason(make, rule):
    program = objective(make)
    with pytest.raises(InputError, match=rule):
        train(program, [trial(0, program.work, settings("levenberg_marquardt"))])
    train(program, [trial(0, program.work, settings("sgd"), epochs=1)])


FILE = """
import numpy as np
from torch import nn

from slalom_worker.tasks import Data, Split


class Cats:
    def load(self):
        labels = np.arange(67) % 2
        inputs = np.random.default_rng(0).normal(size=(67, 5)) + labels[:, None]
        return Data(*[Split(inputs.astype(np.float32), labels)] * 3, classes=2)

    def model(self):
        return nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 2))
"""


def test_a_lane_fails_the_trials_that_the_net_is_not_made_for_and_trains_the_others(tmp_path):
    (tmp_path / "cats.py").write_text(FILE)
    of = replace(work(), task={"name": "cats.py:Cats"}, model={"name": "task"})
    orders = [order(trial(n, of, settings("levenberg_marquardt"), epochs=1)) for n in range(3)]
    orders.append(order(replace(trial(3, of, settings("sgd"), epochs=1), record=("curvature",))))
    orders += [order(trial(n, of, settings("sgd"), epochs=1)) for n in (4, 5)]
    orders.append(order(trial(6, work(), settings("sgd"), epochs=1)))
    lane = LaneWorker(tmp_path, 2, turn_seconds=1e9, device=CPU)
    results = {result.trial.number: result for result in lane.turn(Turn(tuple(orders))).results}
    assert [results[n].outcome for n in range(7)] == 4 * [Outcome.FAILED] + 3 * [Outcome.COMPLETE]
    assert all("but 1 is LayerNorm" in results[n].error for n in range(4))
    alone = [order(trial(n, of, settings("levenberg_marquardt"))) for n in range(7, 10)]
    later = order(trial(11, work(hidden=(3,)), settings("sgd"), epochs=1))
    reply = lane.turn(Turn((*alone, later)))
    assert [result.outcome for result in reply.results] == 3 * [Outcome.FAILED] + [Outcome.COMPLETE]
