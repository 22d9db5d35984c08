"""Conjugate gradient: on quadratics, beside a plain implementation, beside scipy, and beside neighbours in a pack."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from slalom.wire.trial import Outcome, Turn
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.net.examples import Batch
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.training.group import Group, SlotTensors
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import SCALARS, Slot
from tests.workers import plain_search
from tests.workers.cases import DATA, PRECISIONS, WIDTHS, clouds_objective, clouds_work
from tests.workers.checks import check_invariance
from tests.workers.reference import plain_net
from tests.workers.trials import CPU, objective, order, settings, trial, work

ESL = Path(__file__).parents[4] / "shared" / "data" / "esl"
needs_esl = pytest.mark.skipif(not ESL.is_dir(), reason=f"the ESL mixture data are not at {ESL.name}")
FORMULAS = {"polak_ribiere": plain_search.polak_ribiere, "fletcher_reeves": plain_search.fletcher_reeves}
EXACT = 1e-9  # a curvature constant that lets only an exact minimum along the line pass
FAN_IN = {"scheme": "fan_in"}
DECAY = 2e-4  # ESL's lambda .02 of the loss summed over 200 examples
CHOSEN = {name: settings(name, learning_rate=1.0, weight_decay=DECAY) for name in FORMULAS}


def alone(name, start, rate=0.01, **chosen):
    """The optimizer with one slot [1, P] to update."""
    method = OPTIMIZERS[name]
    state = {buffer: torch.zeros_like(start) for buffer in method.state}
    state |= {scalar: torch.zeros(1, 1, dtype=torch.float64) for scalar in method.scalars}
    given = {
        key: torch.full((1,), chosen.get(key, kind.default), dtype=torch.float64)
        for key, kind in method.hyperparameters.items()
    }
    group = Group(method, slice(0, 1), SlotTensors(start, torch.zeros_like(start), state, given, None, None))
    one = torch.ones(1, 1, dtype=torch.float64)
    group.begin_epoch(one, one * rate, one * 0)
    group.begin_step(0)
    return group


def accepted(group, function, until, most=500):
    """The places that searches accepted, the start first; function(place [P]): loss and gradient."""
    block, path = group.blocks[0].block, []
    for _ in range(most):
        loss, block.gradient[0] = function(block.parameters[0].clone())
        group.update(loss.reshape(1))
        place = block.state["origin"][0].clone()
        if not path or not torch.equal(path[-1], place):
            path.append(place)
        if until(place):
            return path
    raise AssertionError(f"no end after {most} evaluations, at {path[-1]}")


def quadratic(spectrum, seed):
    """The matrix of a quadratic with these eigenvalues and random axes, and a start."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.normal(size=(len(spectrum), len(spectrum))))[0]
    return torch.tensor(axes * spectrum @ axes.T), torch.tensor(random.normal(size=len(spectrum)))


def descend(name, matrix, start, **chosen):
    """The places on the way to a gradient 1e-8 of the first."""
    first = (matrix @ start).norm()
    group = alone(name, start.clone().unsqueeze(0), **chosen)
    return accepted(group, lambda x: (0.5 * x @ matrix @ x, matrix @ x), lambda x: (matrix @ x).norm() < 1e-8 * first)


@pytest.mark.parametrize("condition", [1, 10, 100, 1000])
@pytest.mark.parametrize("dimensions", [2, 5, 10])
def test_a_quadratic_takes_as_many_exact_searches_as_it_has_dimensions(dimensions, condition):
    matrix, start = quadratic(np.linspace(1, condition, dimensions), dimensions)
    paths = [descend(name, matrix, start, curvature=EXACT) for name in FORMULAS]
    for name, path in zip(FORMULAS, paths, strict=True):
        assert len(path) - 1 <= (dimensions if condition > 1 else 1), name
    for one, other in zip(*paths, strict=True):
        assert (one - other).norm() < 1e-9 * start.norm()


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("loss", [0.0, 0.7])
def test_at_a_minimum_nothing_moves(name, loss):
    start = torch.full((1, 3), 2.0, dtype=torch.float64)
    group = alone(name, start)
    for _ in range(100):
        group.update(torch.tensor([loss], dtype=torch.float64))
        assert (start == 2).all()
        assert (group.blocks[0].block.state["origin"] == 2).all()


@pytest.mark.parametrize("name", FORMULAS)
def test_a_gradient_that_is_not_finite_is_taken_back(name):
    """There is none below 1, though the loss goes on falling: what is found comes close and stays above."""
    group = alone(name, torch.tensor([[2.0]], dtype=torch.float64), rate=0.9)
    block = group.blocks[0].block
    for _ in range(100):
        place = block.parameters[0].clone()
        block.gradient[0] = place.where(place.abs() >= 1, torch.inf)
        group.update(0.5 * place.square())
        assert block.state["origin"] >= 1
    assert block.state["origin"] < 1.3


@pytest.mark.parametrize("name", FORMULAS)
def test_a_direction_that_goes_up_gives_way_to_the_gradient(name):
    """A short step and then a long one, both within a loose curvature condition, turn the direction upwards."""
    group = alone(name, torch.zeros(1, 2, dtype=torch.float64), rate=1.0, curvature=0.9)
    block, gradients = group.blocks[0].block, torch.tensor([[-1.0, 0.0], [-0.85, 0.0], [0.7, 0.1]])
    for loss, gradient in zip((10.0, 9.0, 8.0), gradients, strict=True):
        block.gradient[0] = gradient
        group.update(torch.tensor([loss], dtype=torch.float64))
        assert torch.equal(block.state["last_gradient"], block.gradient), "the step is accepted"
    assert torch.equal(block.state["direction"], -block.gradient)


def clouds_function(work, decay):
    """Loss and gradient [P] of the plain net at parameters [P], with weight decay, all as numpy."""
    net = plain_net(work, DATA)
    inputs, labels = torch.as_tensor(DATA.train.inputs).double(), torch.as_tensor(DATA.train.labels)

    def evaluate(place):
        nn.utils.vector_to_parameters(torch.as_tensor(place), net.parameters())
        net.zero_grad()
        loss = nn.functional.cross_entropy(net(inputs), labels)
        loss = loss + decay / 2 * sum(part.square().sum() for part in net.parameters())
        loss.backward()
        return loss.item(), torch.cat([part.grad.flatten() for part in net.parameters()]).numpy().copy()

    return evaluate


ALL = clouds_work(batch_size=None)


def lines(spec, program):
    """Where every search of a trial began, as the pack has it; a pack of this trial alone."""
    slot = Slot.start(order(spec), program)
    pack, found = Pack(program), []
    pack.seat([slot])
    for _ in range(spec.epochs):
        pack.advance()
        if float(slot.tensors["searching"]) and float(slot.tensors["evaluations"]) == 0:
            parts = [slot.tensors[name].numpy().copy() for name in ("origin", "last_gradient", "direction")]
            found.append(plain_search.Line(*parts, float(slot.tensors["next_step"])))
    return found


# Steps far from exact, so that each of the two conditions decides.
LOOSE = {"sufficient_decrease": 0.45, "curvature": 0.95}


@pytest.mark.parametrize(("rate", "given"), [(0.05, {}), (5.0, LOOSE), (1e30, {})])
@pytest.mark.parametrize("name", FORMULAS)
def test_every_search_is_that_of_a_plain_implementation(name, rate, given):
    """Each from where the pack's began, over 200 evaluations; in a row they drift apart, as rounding grows.

    Near the minimum a search moves the last bits of a sum to the gradient as 1e4 times the place's error.
    """
    chosen = settings(name, learning_rate=rate, weight_decay=1e-3, **given)
    spec, evaluate = trial(0, ALL, chosen, epochs=200), clouds_function(ALL, 1e-3)
    found = lines(spec, clouds_objective(ALL))
    assert len(found) > 80
    first = plain_search.begin(evaluate, clouds_objective(ALL).initial(spec.seeds.weights, FAN_IN).numpy(), rate)
    wanted = [first, *(plain_search.advance(evaluate, line, FORMULAS[name], chosen) for line in found)]
    for number, (line, want) in enumerate(zip(found, wanted, strict=False)):
        for what, got, expected in zip(line._fields, line, want, strict=True):
            error = np.linalg.norm(got - expected) / np.linalg.norm(expected)
            assert error < (1e-9 if what == "place" else 1e-5), f"search {number}: {what} is off by {error:.1e}"


def mixture(precision="float64", **options):
    """The book's net on its own data, or on data drawn as it says."""
    return work("mixture", hidden=(10,), activation="logistic", batch_size=None, precision=precision, **options)


def total(program, place, decay=DECAY):
    """The loss that is minimised at a place [P], weight decay included, and its gradient [P], as numpy."""
    place = torch.as_tensor(place).unsqueeze(0)
    gradient = torch.zeros_like(place)
    index = torch.arange(len(program.train.labels)).unsqueeze(0)
    weights, into = (list(program.views(part).values()) for part in (place, gradient))
    loss = program.gradient(weights, Batch(program.train.take(index), program.train.labels[index], {}), into)
    return float(loss) + decay / 2 * float(place.square().sum()), (gradient + decay * place)[0].numpy()


def trained(program, chosen, epochs, starts):
    """The slots of trials after so many evaluations from these starts [n, P]."""
    specs = [trial(n, program.work, chosen, epochs=epochs) for n in range(len(starts))]
    slots = [Slot.start(order(spec), program) for spec in specs]
    for slot, start in zip(slots, starts, strict=True):
        slot.tensors["parameters"].copy_(torch.as_tensor(start))
    pack = Pack(program)
    pack.seat(slots)
    for _ in range(epochs):
        pack.advance()
    return slots


@needs_esl
@pytest.mark.parametrize("name", FORMULAS)
def test_the_minimum_is_the_one_that_scipy_finds(name):
    """The book's net and decay. It has many minima, so the starts are near some, where both must end in the same."""
    program = objective(mixture(data=str(ESL)))
    scipy = {"fun": lambda place: total(program, place), "jac": True}
    random = np.random.default_rng(0)
    starts = []
    for seed in range(3):
        near = minimize(x0=program.initial(seed, FAN_IN).numpy(), **scipy, method="BFGS").x
        starts.append(near + 0.02 * random.normal(size=len(near)))
    for slot, start in zip(trained(program, CHOSEN[name], 2000, starts), starts, strict=True):
        mine, _ = total(program, slot.best_parameters)
        theirs = minimize(x0=start, **scipy, method="CG", options={"gtol": 1e-6, "maxiter": 5000}).fun
        further = minimize(
            x0=slot.best_parameters.numpy(), **scipy, method="CG", options={"gtol": 1e-9, "maxiter": 100}
        ).fun
        assert mine == pytest.approx(theirs, rel=1e-6)
        assert further > mine * (1 - 1e-6), "scipy goes on from there"


@needs_esl
@pytest.mark.parametrize("name", FORMULAS)
def test_accepted_steps_fulfil_the_strong_wolfe_conditions(name):
    """Checked from the two ends of every search: by the losses and slopes there."""
    program, chosen = objective(mixture(data=str(ESL))), CHOSEN[name]
    pack, checked = Pack(program), 0
    pack.seat([Slot.start(order(trial(n, program.work, chosen)), program) for n in range(3)])
    for _ in range(400):
        names = ("origin", "direction", "searching")
        before = [[slot.tensors[name].clone() for name in names] for slot in pack.slots]
        pack.advance()
        for slot, (origin, direction, searching) in zip(pack.slots, before, strict=True):
            if not searching or torch.equal(origin, slot.best_parameters):
                continue
            (loss, gradient), (low, flat) = total(program, origin), total(program, slot.best_parameters)
            step = float((slot.best_parameters - origin) @ direction / (direction @ direction))
            slope, final = gradient @ direction.numpy(), flat @ direction.numpy()
            assert low <= loss + chosen["sufficient_decrease"] * step * slope + 1e-12
            assert abs(final) <= chosen["curvature"] * abs(slope) * (1 + 1e-9)
            assert float((slot.best_parameters - origin - step * direction).norm()) < 1e-9, "along the direction"
            checked += 1
    assert checked > 400


def beside(count):
    """So many settings: both formulas from steps of all sizes, beside others, and beside some that diverge."""
    rates = (1e-3, 0.1, 3.0, 1e30)
    searching = [
        settings(name, learning_rate=rate, weight_decay=decay, decay_biases=rate > 1)
        for rate in rates
        for name in FORMULAS
        for decay in (0.0, 1e-3)
    ]
    others = [
        settings("adam", learning_rate=0.01),
        settings("momentum", learning_rate=1e308),
        settings("nesterov", momentum={"schedule": "gradient_norm", "start": 0.5, "end": 0.9}),
        settings("rmsprop", learning_rate=1e308, weight_decay=1e-2),
    ]
    mixed = [one for n, chosen in enumerate(searching) for one in (chosen, others[n % len(others)])]
    return [mixed[n % len(mixed)] for n in range(count)]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_no_neighbour_changes_a_search(precision):
    """At every width, in packs that trials join, leave and rejoin in the middle of their searches."""
    of = clouds_work(batch_size=None, precision=precision, hidden=(7,))
    specs = [trial(n, of, chosen, epochs=23) for n, chosen in enumerate(beside(64))]
    check_invariance(clouds_objective(of), specs, WIDTHS)


@pytest.mark.parametrize("name", FORMULAS)
def test_it_works_in_float32(name):
    """The decayed loss falls at every report, to what float64 finds; three seeds each ended within .015 % of it."""
    found = []
    for precision in ("float32", "float64"):
        of = clouds_work(batch_size=None, precision=precision)
        slot = Slot.start(order(trial(0, of, settings(name, weight_decay=1e-2), epochs=600)), clouds_objective(of))
        pack, falling = Pack(clouds_objective(of)), []
        pack.seat([slot])
        for _ in range(600):
            pack.advance()
            falling.append(slot.loss + 0.5e-2 * float(slot.best_parameters.double().square().sum()))
        assert all(later <= earlier + 1e-6 for earlier, later in pairwise(falling))
        found.append(falling[-1])
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def ended(chosen, epochs, start=None):
    """The result of one trial, and what it has reported."""
    worker = LaneWorker(width=2, turn_seconds=1e9, device=CPU)
    reply = worker.turn(Turn((order(trial(0, mixture(), chosen, epochs=epochs)),)))
    return reply.results[0], reply.reports


@pytest.mark.parametrize("name", FORMULAS)
def test_a_step_beyond_the_finite_numbers_is_taken_back(name):
    """The first step tried overflows, and so do those after it; the trial goes on from its start all the same."""
    result, reports = ended(settings(name, learning_rate=1e300, weight_decay=1e-3), epochs=700)
    assert result.outcome is Outcome.COMPLETE
    losses = [report.metrics["train.loss"] for report in reports]
    assert losses[-1] < losses[0] - 0.1


def test_a_start_that_is_not_finite_diverges():
    result, _ = ended(settings("polak_ribiere", weight_decay=1e308), epochs=5)
    assert result.outcome is Outcome.DIVERGED


def test_what_is_reported_is_the_answer():
    """The loss of the last accepted point, without weight decay, though other points were tried since."""
    result, reports = ended(settings("polak_ribiere", weight_decay=1e-2), epochs=40)
    losses = [report.metrics["train.loss"] for report in reports]
    assert len(losses) == 40
    assert len(set(losses)) < 35, "most searches take more than one evaluation"
    assert losses[-1] == pytest.approx(result.metrics["train.final_loss"], rel=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_buffers_have_names_of_their_own(name):
    """One called "step" would be the pack's clock."""
    own = [*OPTIMIZERS[name].state, *OPTIMIZERS[name].scalars]
    assert len({*own, *SCALARS, "parameters"}) == len(own) + len(SCALARS) + 1
