"""Ensembles: what members are, what they say together, and that a trial of several nets is as much its own as one."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch.nn.utils import vector_to_parameters

from slalom.wire.seeds import Seeds, derive
from slalom.wire.trial import Outcome, Phase, Turn
from slalom_worker.net.ensemble import ensemble_metrics, out_of_bag
from slalom_worker.net.examples import Examples
from slalom_worker.net.modules import build_module
from slalom_worker.net.objective import Objective
from slalom_worker.tasks import Data, Split
from slalom_worker.training import streams
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.pack import Pack
from tests.workers.cases import DATA, clouds_objective, clouds_work
from tests.workers.checks import train
from tests.workers.net.test_own_models import IMAGE, Chooser, Plain, Uneven, convolutions
from tests.workers.net.test_own_models import objective as own_objective
from tests.workers.training.test_invariance import MIX, facts, finish, lane
from tests.workers.trials import CPU, objective, order, settings, trial, work

MIXTURE = work("mixture", hidden=(4,), batch_size=16, precision="float64", n=61)
M = 5


def ensemble(bagging=False, combine="mean", members=M):
    return {"combine": combine, "members": members, "bagging": bagging}


def member_seeds(spec, m):
    return Seeds(*(derive(seed, "member", m) for seed in spec.seeds))


def bag_of(spec, m, count):
    generator = torch.Generator().manual_seed(derive(member_seeds(spec, m).batches, "bag"))
    return torch.randint(count, (count,), generator=generator).numpy()


def alone(spec, m):
    """Member m as a plain trial with its seeds, on its bag as its data: the net, and its loss in the last epoch."""
    program = objective(spec.work)
    data = program.data
    if spec.settings["ensemble"]["bagging"]:
        bag = bag_of(spec, m, len(data.train.labels))
        data = replace(data, train=Split(data.train.inputs[bag], data.train.labels[bag]))
    plain = replace(spec, seeds=member_seeds(spec, m), settings=spec.settings | {"ensemble": {"combine": "none"}})
    (slot,) = train(Objective(spec.work, data, program.task, CPU), [plain])
    module = build_module(spec.work, data, program.task, seed=0).double().eval()
    vector_to_parameters(slot.best_parameters, module.parameters())
    return module, slot.loss


def probabilities(modules, split):
    with torch.no_grad():
        outputs = [module(torch.as_tensor(split.inputs).double()).numpy() for module in modules]
    shifted = np.exp(np.stack(outputs) - np.max(outputs, axis=-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def together(chances, combine, shares):
    """What is said together [n, k] of chances [M, n, k]."""
    said = np.eye(chances.shape[-1])[chances.argmax(-1)] if combine == "vote" else chances
    return (said * shares[:, :, None]).sum(0)


def quality(chances, split, combine):
    labels, n = split.labels, len(split.labels)
    weights = np.full(n, 1 / n) if split.weights is None else split.weights
    chosen = chances.argmax(-1)
    wrong = together(chances, combine, np.full((len(chances), n), 1 / len(chances))).argmax(-1) != labels
    pairs = [(chosen[a] != chosen[b]) @ weights for a in range(len(chances)) for b in range(a)]
    return {
        "loss": -np.log(chances.mean(0)[np.arange(n), labels]) @ weights,
        "error": wrong @ weights,
        "accuracy": 1 - wrong @ weights,
        "member_error": np.mean([(one != labels) @ weights for one in chosen]),
        "diversity": np.mean(pairs),
    }


def oob_error(chances, bags, split, combine):
    n = len(split.labels)
    weights = np.full(n, 1 / n) if split.weights is None else split.weights
    lacks = np.stack([~np.isin(np.arange(n), bag) for bag in bags])
    judged = lacks.any(0)
    assert not judged.all(), "some example must be in every bag, for the test to see that it is left out"
    shares = lacks / np.maximum(1, lacks.sum(0))
    wrong = together(chances, combine, shares).argmax(-1) != split.labels
    return (wrong * weights)[judged].sum() / weights[judged].sum()


@pytest.mark.parametrize(
    ("bagging", "combine", "batch_size"),
    [(False, "mean", 16), (True, "mean", 16), (True, "vote", 16), (True, "mean", None), (False, "vote", None)],
)
def test_an_ensemble_says_what_its_members_say_that_were_trained_one_by_one(bagging, combine, batch_size):
    of = replace(MIXTURE, batch_size=batch_size)
    chosen = settings("adam", learning_rate=0.03, hidden_dropout=0.1, ensemble=ensemble(bagging, combine))
    spec = trial(1, of, chosen, Phase.CONFIRM, epochs=12)
    _, (result,) = finish(lane(64), [order(spec)])
    modules, losses = zip(*(alone(spec, m) for m in range(M)), strict=True)
    data = objective(of).data
    wanted = {"train.loss": np.mean(losses)}
    for name in ("train", "validation", "test"):
        for metric, value in quality(probabilities(modules, getattr(data, name)), getattr(data, name), combine).items():
            wanted[f"{name}.{'final_loss' if (name, metric) == ('train', 'loss') else metric}"] = value
    if bagging:
        bags = [bag_of(spec, m, len(data.train.labels)) for m in range(M)]
        wanted["oob.error"] = oob_error(probabilities(modules, data.train), bags, data.train, combine)
    assert dict(result.metrics) == pytest.approx(wanted, rel=1e-11, abs=1e-12)
    assert 0 < result.metrics["validation.diversity"] < 1


def test_metrics_are_weighted_by_the_splits_weights():
    random = np.random.default_rng(1)
    raw = random.random(len(DATA.train.labels)) * (random.random(len(DATA.train.labels)) < 0.8)
    split = DATA.train._replace(weights=raw / raw.sum())
    program = Objective(clouds_work(), replace(DATA, train=split), None, CPU)
    spec = trial(0, clouds_work(), settings("sgd", learning_rate=0.2, ensemble=ensemble(True)), epochs=3)
    nets = TrainedTrial.start(order(spec), program)
    chances = program.outputs(nets.best_parameters, program.train).softmax(-1).numpy()
    bags = [bag_of(spec, m, len(split.labels)) for m in range(M)]
    outputs = program.outputs(nets.best_parameters, program.train)
    assert ensemble_metrics(program, outputs, program.train, "mean") == pytest.approx(
        quality(chances, split, "mean"), rel=1e-12
    )
    found = out_of_bag(program, outputs, program.train, nets.bags, "mean")
    assert found == {"error": pytest.approx(oob_error(chances, bags, split, "mean"), rel=1e-12)}


def test_no_error_out_of_bag_is_told_where_every_example_is_in_every_bag():
    program = clouds_objective(clouds_work())
    every = torch.arange(len(DATA.train.labels))
    outputs = torch.zeros(2, len(every), 3, dtype=torch.float64)
    assert out_of_bag(program, outputs, program.train, [every, every], "mean") == {}


def test_of_equal_votes_the_lowest_class_has_it_and_an_impossible_label_still_has_a_loss():
    program = clouds_objective(clouds_work())
    outputs = torch.zeros(2, len(DATA.train.labels), 3, dtype=torch.float64)
    outputs[0, :, 1], outputs[1, :, 0] = 900.0, 1800.0
    found = ensemble_metrics(program, outputs, program.train, "vote")
    labels = DATA.train.labels
    assert found["error"] == pytest.approx((labels != 0).mean())
    assert found["diversity"] == 1
    losses = np.select([labels == 0, labels == 1], [math.log(2), math.log(2)], 900 + math.log(2))
    assert found["loss"] == pytest.approx(losses.mean(), rel=1e-12)


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_the_loss_of_squared_errors_is_that_of_the_mean_output(combine):
    of = clouds_work(loss={"name": "squared_error", "low": -1.0, "high": 1.0, "output": "tanh"})
    program = clouds_objective(of)
    outputs = torch.randn(M, len(DATA.train.labels), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    targets = 2 * np.eye(3)[DATA.train.labels] - 1
    wanted = ((np.tanh(outputs.numpy()).mean(0) - targets) ** 2).sum(-1).mean() / 2
    assert ensemble_metrics(program, outputs, program.train, combine)["loss"] == pytest.approx(wanted, rel=1e-12)


def test_of_numbers_there_are_losses_of_the_mean_and_of_the_members_and_out_of_bag():
    random = np.random.default_rng(3)
    raw = random.random(40)
    numbers = Split(random.normal(size=(40, 2)).astype(np.float32), random.normal(size=(40, 3)).astype(np.float32))
    split = numbers._replace(weights=raw / raw.sum())
    of = clouds_work(loss={"name": "squared_error", "low": 0.0, "high": 1.0, "output": "linear"})
    program = Objective(of, Data(split, split, split, None), None, CPU)
    nets = TrainedTrial.start(order(trial(0, of, settings("sgd", ensemble=ensemble(True)))), program)
    outputs = program.outputs(nets.best_parameters, program.train)
    said, weights = outputs.numpy(), split.weights
    each = ((said - split.labels) ** 2).sum(-1) / 2
    found = ensemble_metrics(program, outputs, program.train, "mean")
    wanted = {
        "loss": ((said.mean(0) - split.labels) ** 2).sum(-1) @ weights / 2,
        "member_loss": (each @ weights).mean(),
    }
    assert found == pytest.approx(wanted, rel=1e-12)
    lacks = np.stack([~np.isin(np.arange(40), bag) for bag in nets.bags])
    judged = lacks.any(0)
    mean = (said * lacks[:, :, None]).sum(0)[judged] / lacks.sum(0)[judged, None]
    losses = ((mean - split.labels[judged]) ** 2).sum(-1) / 2
    oob = out_of_bag(program, outputs, program.train, nets.bags, "mean")
    assert oob == {"loss": pytest.approx(losses @ weights[judged] / weights[judged].sum(), rel=1e-12)}


def test_members_differ_in_weights_batches_masks_and_bags():
    program = clouds_objective(clouds_work())
    spec = trial(0, clouds_work(), settings("sgd", hidden_dropout=0.5, ensemble=ensemble(True)), epochs=3)
    nets = TrainedTrial.start(order(spec), program)
    assert [slot.trial.seeds for slot in nets.slots] == [member_seeds(spec, m) for m in range(M)]
    assert len({tuple(row.tolist()) for row in nets.best_parameters}) == M
    assert len({tuple(bag.tolist()) for bag in nets.bags}) == M
    assert len({seed for slot in nets.slots for seed in slot.trial.seeds}) == 3 * M
    again = TrainedTrial.start(order(spec), program)
    assert all(map(torch.equal, nets.bags, again.bags))
    assert not TrainedTrial.start(order(replace(spec, settings=settings("sgd", ensemble=ensemble()))), program).bags


def test_a_bag_is_a_bootstrap_sample():
    """Every example as often as any other, each draw apart from the others: counts are binomial."""
    n, bags = 20, [streams.bag(seed, 20) for seed in range(5000)]
    counts = torch.stack([torch.bincount(bag, minlength=n) for bag in bags]).double()
    assert (counts.sum(1) == n).all()
    assert (counts.mean(0) - 1).abs().max() < 5 * math.sqrt(0.95 / 5000)
    for k in range(5):
        expected = math.comb(n, k) * (1 / n) ** k * (1 - 1 / n) ** (n - k)
        assert float((counts == k).double().mean()) == pytest.approx(expected, abs=0.005)


def test_an_emphasis_draws_from_the_bag():
    scheme = {"scheme": "class_balanced", "strength": 1.0, "by": "sampling"}
    spec = trial(0, clouds_work(), settings("sgd", emphasis=scheme, ensemble=ensemble(True)), epochs=2)
    nets = TrainedTrial.start(order(spec), clouds_objective(clouds_work()))
    labels = DATA.train.labels
    for m, slot in enumerate(nets.slots):
        counts = np.bincount(bag_of(spec, m, len(labels)), minlength=len(labels))
        weights = counts / np.bincount(labels)[labels]
        cumulated = slot.presentation.cumulated
        np.testing.assert_allclose(np.diff(cumulated.numpy(), prepend=0), weights / weights.sum(), atol=1e-15)
        drawn = torch.cat([streams.order(slot.trial.seeds.batches, e, len(labels), cumulated) for e in range(99)])
        assert set(drawn.tolist()) <= set(slot.bag.tolist())


BAGGED = settings("adam", learning_rate=0.02, hidden_dropout=0.2, ensemble=ensemble(True))
VOTING = settings("sgd", learning_rate=0.3, ensemble=ensemble(False, "vote", 3))


def crowd():
    """Plain trials and ensembles by turns, one that diverges among them."""
    chosen = [MIX[0], BAGGED, MIX[2], VOTING, settings("sgd", learning_rate=1e308), BAGGED, MIX[4], MIX[5]]
    return [trial(n, MIXTURE, one, Phase.CONFIRM, epochs=4) for n, one in enumerate(chosen)]


def weights(results):
    """Every trial's nets, each as its tensors' bytes by name; safetensors name them in any order."""
    return {
        result.trial: [{name: tensor.numpy().tobytes() for name, tensor in load(one).items()} for one in result.weights]
        for result in results
    }


@pytest.mark.thorough
def test_an_ensembles_numbers_are_its_own_at_any_width_beside_neighbours_parked_and_resumed():
    specs = crowd()
    orders = [order(spec, keep_weights=True) for spec in specs]
    apart = [finish(lane(1), [one]) for one in orders]
    wanted = facts([r for reports, _ in apart for r in reports], [r for _, results in apart for r in results])
    kept = weights([result for _, results in apart for result in results])
    assert sorted(map(len, kept.values())) == [0, 1, 1, 1, 1, 3, 5, 5]
    for width in (1, 2, 6, 7, 64):
        reports, results = finish(lane(width), orders[::-1])
        assert facts(reports, results) == wanted, width
        assert weights(results) == kept, width
    worker = lane(9)
    parts = [finish(worker, [order(spec, until=1) for spec in specs])]
    left = [spec for spec in specs if spec.id not in {result.trial for result in parts[0][1]}]
    parts += [finish(worker, [order(spec, until=until) for spec in left]) for until in (2, 4)]
    halted = facts([r for reports, _ in parts for r in reports], [r for _, results in parts for r in results])
    assert halted == wanted
    assert not worker.parked


def test_an_ensemble_is_seated_whole_or_not_at_all():
    """A pack is never wider than its width, but where one ensemble alone is; nobody waits for ever."""
    seen = []

    class Watched(Pack):
        def seat(self, slots):
            super().seat(slots)
            seen.append([slot.trial.id.number for slot in self.slots])

    specs = [spec for spec in crowd() if spec.id.number != 4]
    for width in (1, 4, 6, 64):
        seen.clear()
        worker = lane(width)
        program = objective(MIXTURE)
        worker.packs[MIXTURE.key], worker.widths[MIXTURE.key] = Watched(program), width
        _, results = finish(worker, [order(spec) for spec in specs])
        assert len(results) == len(specs)
        assert seen
        for numbers in seen:
            nets = {number: numbers.count(number) for number in numbers}
            assert all(count == specs_nets(specs, number) for number, count in nets.items())
            assert len(numbers) <= width or len(nets) == 1


def specs_nets(specs, number):
    (spec,) = [spec for spec in specs if spec.id.number == number]
    return spec.settings["ensemble"].get("members", 1)


def test_an_ensemble_is_dropped_whole_and_counts_its_slots():
    bagged, plain = (trial(n, MIXTURE, chosen, epochs=100) for n, chosen in enumerate((BAGGED, MIX[0])))
    worker = lane(8)
    assert worker.turn(Turn((order(bagged), order(plain)))).effort.trained == M + 1
    assert worker.turn(Turn(drops=(bagged.id,))).effort.trained == 1
    assert [slot.trial.id for slot in worker.packs[MIXTURE.key].slots] == [plain.id]


def test_where_a_member_diverges_the_trial_does():
    bagged, plain = (trial(n, MIXTURE, chosen, epochs=3) for n, chosen in enumerate((BAGGED, MIX[0])))
    quiet = finish(lane(8), [order(plain)])
    worker = lane(8)
    first = worker.turn(Turn((order(bagged), order(plain))))
    member = worker.seated[0].slots[2]
    member.tensors["parameters"].fill_(math.nan)
    replies = [first, worker.turn(Turn()), worker.turn(Turn())]
    results = {result.trial: result for reply in replies for result in reply.results}
    assert (results[bagged.id].outcome, results[bagged.id].epochs) == (Outcome.DIVERGED, 2)
    told = [report for reply in replies for report in reply.reports if report.trial == plain.id]
    assert facts(told, [results[plain.id]]) == facts(*quiet)


MISSED = {"scheme": "misclassified", "strength": 1.0, "cap": 10.0, "warm_up": 1, "by": "weighting"}
METHODS = {
    "adam with dropout": (16, BAGGED),
    "emphasis by weighting": (16, settings("sgd", learning_rate=0.3, emphasis=MISSED, ensemble=ensemble(True))),
    "curvature": (16, settings("levenberg_marquardt", sample=30, learning_rate=0.01, ensemble=ensemble(True))),
    "line search": (None, settings("polak_ribiere", learning_rate=0.1, ensemble=ensemble(True))),
}


@pytest.mark.parametrize("name", METHODS)
def test_each_members_weights_come_back_and_are_those_of_a_trial_on_its_bag(name):
    batch_size, chosen = METHODS[name]
    spec = trial(0, replace(MIXTURE, batch_size=batch_size), chosen, Phase.CONFIRM, epochs=4)
    _, (result,) = finish(lane(8), [order(spec, keep_weights=True)])
    assert len(result.weights) == M
    for m, kept in enumerate(result.weights):
        module, _ = alone(spec, m)
        found = load(kept)
        assert all(torch.equal(found[name], parameter) for name, parameter in module.named_parameters())


@pytest.mark.thorough
def test_without_decay_a_net_is_worse_than_25_from_other_weights_and_these_than_25_that_are_bagged():
    """On ESL's two classes, drawn anew eight times, by its net of 10 hidden units: test errors .277, .265, .259."""
    found = []
    for seed in range(8):
        of = work("mixture", hidden=(10,), batch_size=None, precision="float64", seed=seed)
        arms = [ensemble(bagging, members=25) for bagging in (False, True)]
        chosen = [settings("adam", learning_rate=0.2, ensemble=arm) for arm in arms]
        specs = [trial(n, of, one, Phase.CONFIRM, epochs=700) for n, one in enumerate(chosen)]
        _, results = finish(lane(50), [order(replace(spec, report_every=700)) for spec in specs])
        other_weights, bagged = (result.metrics for result in sorted(results, key=lambda one: one.trial))
        found.append((other_weights["test.member_error"], other_weights["test.error"], bagged["test.error"]))
        assert bagged["test.diversity"] > other_weights["test.diversity"]
    single, other_weights, bagged = np.mean(found, axis=0)
    assert single - other_weights > 0.005
    assert other_weights - bagged > 0.003


@pytest.mark.parametrize(("make", "shape"), [(Plain, (4,)), (Uneven, (4,)), (convolutions, IMAGE), (Chooser, (4,))])
def test_what_any_net_says_is_its_own(make, shape):
    """However the slots' work is done, and more examples than are looked at together."""
    program = own_objective(make, shape)
    parameters = torch.stack([program.initial(seed) for seed in range(3)])
    split = Examples.of(program.train.inputs.repeat(5, *(1 for _ in shape)), program.train.labels.repeat(5))
    said = program.outputs(parameters, split)
    assert said.shape == (3, 5 * 67, 2)
    for row, own in enumerate(parameters):
        assert torch.equal(program.outputs(own.unsqueeze(0), split)[0], said[row])
    wrong = (said.max(-1).indices != split.labels).double().mean(-1)
    assert torch.equal(program.evaluate(parameters, split)["error"], wrong)
