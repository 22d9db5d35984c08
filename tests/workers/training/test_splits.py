"""Trials of several splits in one pack: each is trained and measured on its own, as if it were alone with its data."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch import nn

import slalom_worker.lane.packs
from slalom.wire.seeds import split_seed
from slalom.wire.trial import Phase, Turn
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.net.objective import Objective
from slalom_worker.preprocessing import PREPROCESSING, Fitted
from slalom_worker.tasks import open_task
from slalom_worker.tasks.digits import Digits
from slalom_worker.tasks.mixture import Mixture
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.support.tiers import few
from tests.workers.cases import DATA, cases, clouds_objective, clouds_work
from tests.workers.checks import check_equivalence, check_invariance, distance, results, train
from tests.workers.reference import Reference, plain_net
from tests.workers.training.test_invariance import MIX, facts, finish, lane
from tests.workers.trials import CPU, objective, order, settings, split_data, trial, work

SPLITS = [split_seed(0, search) for search in range(5)]
MIXED = [None, *SPLITS]
WIDTHS = (1, 2, 7, 16)


def mixed(of, epochs, count=32):
    """Trials of several splits, neighbours of different ones, whose settings are spread over the suite's cases."""
    chosen = [case.settings for case in cases()]
    return [
        trial(n, of, chosen[5 * n % len(chosen)] | {"layer_rates": 1.0}, epochs=epochs, split=MIXED[n % len(MIXED)])
        for n in range(count)
    ]


@pytest.mark.parametrize("width", few(WIDTHS[::-1]))
def test_a_pack_trains_trials_of_all_splits_as_torch_does(width):
    of = clouds_work()
    specs = mixed(of, epochs=6, count=16)
    wanted = {spec.id.number: Reference(spec, split_data(DATA, spec.split)).train() for spec in specs}
    check_equivalence(clouds_objective(of), specs, wanted, width)


@pytest.mark.parametrize(
    ("task", "of"),
    [
        (Digits(), work(batch_size=100, precision="float64")),
        (Digits(label_noise=0.1, rare=[3]), work(batch_size=100, precision="float64", label_noise=0.1, rare=(3,))),
        (Mixture(), work("mixture", hidden=(10,), precision="float64")),
    ],
    ids=["digits", "altered digits", "mixture"],
)
def test_bundled_tasks_train_and_measure_as_torch_does(task, of):
    """Beside one another, on data that are made for each split alone."""
    program, whole = objective(of), task.load()
    specs = [trial(n, of, settings("adam", learning_rate=0.01), epochs=2, split=SPLITS[n]) for n in range(3)]
    slots = train(program, specs)
    for slot, found in zip(slots, results(program, slots), strict=True):
        data = split_data(whole, slot.trial.split, task)
        want = Reference(slot.trial, data).train()
        assert distance(found["parameters"], want.parameters) < 1e-9
        net = plain_net(of, data)
        nn.utils.vector_to_parameters(want.parameters, net.parameters())
        for name, part in (("validation", data.validation), ("train", data.train)):
            logits, labels = net(torch.as_tensor(part.inputs).double()).detach(), torch.as_tensor(part.labels)
            assert float(found[f"{name}.error"]) == float((logits.argmax(1) != labels).double().mean())
            assert float(found[f"{name}.loss"]) == pytest.approx(float(nn.functional.cross_entropy(logits, labels)))


WORKS = {
    "digits": work(hidden=(17,), batch_size=250),
    "digits, float64": work(batch_size=333, precision="float64"),
    "digits, by slot": work(hidden=(5,), batch_size=301, activation="logistic"),
    "digits, whitened": replace(work(hidden=(5,), batch_size=301), preprocess="zca_whiten"),
    "digits, altered": work(hidden=(5,), batch_size=301, label_noise=0.2, replicate=2, rare=(1,)),
    "mixture": work("mixture", hidden=(10,)),
    "mixture, one unit": work("mixture", hidden=(3, 1), batch_size=None),
}


@pytest.mark.parametrize("name", few(WORKS))
def test_no_split_makes_a_trial_depend_on_its_pack(name):
    check_invariance(objective(WORKS[name]), mixed(WORKS[name], epochs=1), WIDTHS)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["mixture", "digits", "digits, whitened"])
def test_what_is_reported_does_not_depend_on_what_else_is_seated(name):
    """Ensembles, records, emphasis that reads the net and test data among it, and lanes that met other splits first."""
    of = replace(WORKS[name], batch_size=100)
    bags = settings("adam", ensemble={"combine": "vote", "members": 3, "bagging": True})
    missed = {"scheme": "misclassified", "strength": 1.0, "cap": 10.0, "warm_up": 0, "by": "sampling"}
    rare = {"scheme": "class_balanced", "strength": 1.0, "by": "weighting"}
    chosen = [bags, *(settings("sgd", emphasis=one) for one in (missed, rare)), settings("levenberg_marquardt"), *MIX]
    specs = [
        replace(
            trial(n, of, chosen[n % len(chosen)], Phase.CONFIRM, 2, SPLITS[n % len(SPLITS)]),
            record=("gradient", "curvature"),
        )
        for n in range(len(chosen))
    ]
    together = facts(*finish(lane(16), [order(spec) for spec in specs]))
    narrow = facts(*finish(lane(3), [order(spec) for spec in reversed(specs)]))
    assert narrow == together
    for spec in specs:
        reported, ended = facts(*finish(lane(3), [order(spec)]))
        assert ended[spec.id] == together[1][spec.id]
        assert all(together[0][report] == metrics for report, metrics in reported.items())
    found = [dict(metrics) for _, _, metrics in together[1].values()]
    assert all({"test.error", "train.error", "validation.error"} <= metrics.keys() for metrics in found)
    assert "oob.error" in found[0]


def test_equal_trials_of_different_splits_differ_and_parks_change_nothing():
    of = work("mixture", hidden=(4,))
    specs = [trial(n, of, MIX[1], epochs=4, split=seed) for n, seed in enumerate(MIXED)]
    whole = facts(*finish(lane(6), [order(spec) for spec in specs]))
    assert len({metrics["validation.loss"] for _, _, metrics in whole[1].values()}) == len(MIXED)
    first = finish(worker := lane(2), [order(spec, until=2) for spec in specs])
    rest = finish(worker, [order(spec) for spec in specs[::-1]])
    assert facts(first[0] + rest[0], rest[1]) == whole


def test_preprocessing_is_learned_on_each_split_s_training_part():
    of = replace(work(hidden=(5,)), preprocess="standardize")
    program, task = objective(of), Digits()
    for seed in MIXED:
        data = split_data(task.load(), seed, task)
        fitted = PREPROCESSING["standardize"].fit(data.train.inputs)
        split = program.split(seed)
        for name in ("train", "validation", "test"):
            wanted = torch.as_tensor(fitted.apply(getattr(data, name).inputs))
            assert torch.equal(getattr(split, name).inputs, wanted)
    shifts = [program.split(seed).prepared.shift for seed in MIXED]
    assert all((one != other).any() for one, other in pairwise(shifts))


def test_a_kept_model_has_its_split_s_preprocessing():
    of = replace(work(hidden=(5,)), preprocess="pca_whiten")
    specs = [trial(n, of, MIX[1], Phase.CONFIRM, 2, seed) for n, seed in enumerate(SPLITS[:3])]
    worker = LaneWorker(".", 4, turn_seconds=1e9, device=CPU)
    reply = worker.turn(Turn(tuple(order(spec, keep_weights=True) for spec in specs)))
    program, task = objective(of), Digits()
    for spec, result in zip(specs, reply.results, strict=True):
        test = split_data(task.load(), spec.split, task).test
        stored = load(result.weights[0])
        prepared = {name.removeprefix("prepared."): part.numpy() for name, part in stored.items()}
        inputs = torch.as_tensor(Fitted.of(prepared).apply(test.inputs))
        nn.utils.vector_to_parameters(
            torch.cat([stored[n].flatten() for n in program.shapes]), program.module.parameters()
        )
        said = program.module(inputs).argmax(1).numpy()
        assert np.mean(said != test.labels) == pytest.approx(result.metrics["test.error"])


class Poisoned:
    """A task whose test examples have other labels in every split."""

    def __init__(self, task):
        self.task = task

    def load(self):
        return self.task.load()

    def draw(self, pool, own, seed):
        parts = self.task.draw(pool, own, seed)
        return parts._replace(test=parts.test._replace(labels=1 - parts.test.labels))


def test_test_labels_of_a_split_reach_no_number_before_the_confirmation(monkeypatch):
    of = work("mixture", hidden=(4,))
    phases = (Phase.TUNE, Phase.PICK, Phase.CONFIRM)
    specs = [trial(n, of, MIX[1], phase, 2, SPLITS[n]) for n in range(3) for phase in phases]
    found = []
    for poison in (lambda task: task, Poisoned):
        monkeypatch.setattr(slalom_worker.lane.packs, "open_task", lambda *given, to=poison: to(open_task(*given)))
        found.append(facts(*finish(lane(9), [order(spec) for spec in specs])))
    clean, poisoned = found
    for number in range(2):
        for trial_of in clean[number]:
            phase = (trial_of[0] if number == 0 else trial_of).phase
            same = clean[number][trial_of] == poisoned[number][trial_of]
            last = number == 1 or trial_of[1] == 2
            assert same == (phase is not Phase.CONFIRM or not last)


OWN = """
import numpy as np
from slalom_worker.tasks import Data, Split

class Loads:
    def load(self, split):
        random = np.random.default_rng(split)
        labels = np.arange(60) % 3
        part = Split((random.normal(size=(60, 2)) + labels[:, None]).astype(np.float32), labels)
        return Data(part, part, part, classes=3)

class Draws(Loads):
    def load(self):
        return super().load(0)
"""


def test_own_tasks_load_or_draw_their_splits(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    named = {name: replace(work(hidden=(4,)), task={"name": f"mine.py:{name}"}) for name in ("Loads", "Draws")}
    worker = LaneWorker(tmp_path, 4, turn_seconds=0.0, device=CPU)
    loaded = [replace(named["Loads"], split=number) for number in (None, 0, 1)]
    specs = [trial(n, of, MIX[1], epochs=2) for n, of in enumerate(loaded)]
    _, ended = facts(*finish(worker, [order(spec) for spec in specs]))
    own, first, second = (ended[spec.id][2]["train.loss"] for spec in specs)
    assert own != first  # of other seeds
    assert len({of.key for of in loaded}) == 3
    programs = [worker.packs[of.key].objective for of in loaded]
    assert torch.equal(programs[0].train.inputs, programs[1].train.inputs)
    assert not torch.equal(programs[1].train.inputs, programs[2].train.inputs)
    assert first != second
    task = open_task(named["Draws"].task, tmp_path)
    specs = [trial(n, named["Draws"], MIX[1], epochs=2, split=seed) for n, seed in enumerate(SPLITS)]
    slots = train(Objective(named["Draws"], task.load(), task, CPU), specs)
    assert len({slot.loss for slot in slots}) == len(SPLITS)


def test_inputs_lie_in_memory_once_whatever_the_splits():
    data = DATA.pooled().plain()
    program = Objective(clouds_work(precision="float32"), data, None, CPU)
    sources = {id(part.source): part.source for seed in MIXED for part in _parts(program, seed)[:2]}
    assert [source.inputs.data_ptr() for source in sources.values()] == [data.pool.inputs.ctypes.data]
    tests = {id(_parts(program, seed)[2]) for seed in MIXED}
    assert len(tests) == 1


def _parts(program, seed):
    split = program.split(seed)
    return split.train, split.validation, split.test


def test_a_new_split_makes_no_new_program():
    of = work("mixture", hidden=(4,))
    program = objective(of)
    pack = Pack(program)
    made = []
    for seeds in (SPLITS[:2], SPLITS[2:4], MIXED):
        pack.seat([Slot.start(order(trial(n, of, MIX[1], split=seed)), program) for n, seed in enumerate(seeds)])
        pack.advance()
        made.append(set(program.programs._made))
    assert made[0] == made[1] == made[2]
