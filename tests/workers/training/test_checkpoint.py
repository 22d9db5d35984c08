"""A trial goes on from a checkpoint in any pack, to the numbers of the undisturbed one: bit for bit, by any method."""

import json
from functools import cache

import pytest
import torch
from safetensors.torch import load

from slalom.wire.trial import Report
from slalom_worker.models import MODELS
from slalom_worker.training import checkpoint
from slalom_worker.training.checkpoint import DIFFERENT, Unusable, freeze, thaw
from slalom_worker.training.methods_rehearsal import same
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.pack import Pack
from tests.workers.cases import PRECISIONS, cases, clouds_objective, clouds_work
from tests.workers.models import picture_trials
from tests.workers.trials import order, settings, trial

ABOUT = dict.fromkeys(DIFFERENT, "as it was")
EPOCHS = 5
STRANGER = settings("adam", learning_rate=0.3, hidden_dropout=0.5)
BAGGED = {"combine": "mean", "members": 3, "bagging": True}
MISSED = {"scheme": "misclassified", "strength": 1.0, "cap": 10.0, "warm_up": 1, "by": "sampling"}
STOPPED = {"by": "validation", "patience": 2}


def begun(program, specs):
    return [TrainedTrial.start(order(spec), program) for spec in specs]


def advanced(program, trials, until):
    """The trials, all in one pack, trained up to an epoch."""
    pack = Pack(program)
    pack.seat([slot for one in trials for slot in one.slots])
    while trials[0].epoch < until:
        pack.advance()
    return [one.park() for one in trials]


def gone_on(program, saved, width):
    """Trials by their checkpoints, finished in packs of so many trials beside one that begins; the last come first."""
    done = {}
    waiting = list(reversed(saved))
    for start in range(0, len(waiting), width):
        part = [
            thaw(TrainedTrial.start(order(spec), program), content, ABOUT)
            for spec, content in waiting[start : start + width]
        ]
        other = TrainedTrial.start(order(trial(999, program.work, STRANGER, epochs=EPOCHS)), program)
        pack = Pack(program)
        pack.seat([slot for one in (other, *part) for slot in one.slots])
        while not part[0].complete:
            pack.advance()
        done |= {one.trial.id: one for one in part}
    return done


def told_by(slot):
    """The tensors that say something of the net: norms of gradients are kept for all where one of a pack reads them."""
    reads = slot.settings.get("momentum", {}).get("schedule") == "gradient_norm"
    return [name for name in slot.tensors if reads or name not in ("smoothed", "largest")]


def check(program, specs, at, width):
    """Trials that are saved and go on end as those that are left alone: every tensor, loss and epoch."""
    whole = advanced(program, begun(program, specs), EPOCHS)
    saved = [(one.trial, freeze(one, ABOUT)) for one in advanced(program, begun(program, specs), at)]
    found = gone_on(program, saved, width)
    for want in whole:
        got = found[want.trial.id]
        for one, other in zip(want.slots, got.slots, strict=True):
            wrong = [name for name in told_by(one) if not same(one.tensors[name], other.tensors[name])]
            assert not wrong, f"{dict(want.trial.settings)}: {wrong}"
            assert one.recorded == other.recorded
        assert repr(got.loss) == repr(want.loss)
        assert got.epoch == want.epoch == EPOCHS


@cache
def chosen():
    return [case.settings for case in cases()]


@pytest.mark.thorough
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("at", "width"), [(1, 7), (3, 1)])
def test_every_method_goes_on(at, width, precision):
    """Every pair of what optimizers, schedules, emphases, decays, dropouts and stopping can be."""
    of = clouds_work(batch_size=33, precision=precision, hidden=(7,))
    check(clouds_objective(of), [trial(n, of, one, epochs=EPOCHS) for n, one in enumerate(chosen())], at, width)


def test_every_method_of_the_tables_is_among_them():
    from slalom_worker.emphasis import EMPHASIS
    from slalom_worker.optimizers import OPTIMIZERS
    from slalom_worker.schedules import MOMENTUM_SCHEDULES, RATE_SCHEDULES

    seen = {
        "optimizer": {one["optimizer"] for one in chosen()},
        "rate": {one["learning_rate_schedule"]["schedule"] for one in chosen()} - {"sequence"},
        "momentum": {one["momentum"]["schedule"] for one in chosen() if "momentum" in one},
        "emphasis": {one["emphasis"]["scheme"] for one in chosen()},
    }
    assert seen["optimizer"] | {"polak_ribiere", "fletcher_reeves"} >= OPTIMIZERS.keys()
    assert seen["rate"] == RATE_SCHEDULES.keys()
    assert seen["momentum"] == MOMENTUM_SCHEDULES.keys()
    assert seen["emphasis"] == EMPHASIS.keys()


def test_an_ensemble_goes_on_with_all_its_nets_and_bags():
    of = clouds_work(hidden=(4,))
    bagged = settings("adam", ensemble=BAGGED, emphasis=MISSED, early_stopping=STOPPED, hidden_dropout=0.2)
    check(clouds_objective(of), [trial(n, of, bagged, epochs=EPOCHS) for n in range(3)], at=2, width=2)


@pytest.mark.parametrize("normalisation", MODELS["convnet"].structure["normalisation"].options)
def test_a_net_with_buffers_of_its_own_goes_on(normalisation):
    of = picture_trials.work("convnet", channels=(2,), kernels=(3,), normalisation=normalisation, full=(4,))
    program = picture_trials.objective(of)
    assert (normalisation == "batch") == bool(program.state)
    several = [settings("momentum", learning_rate=0.02), settings("adam", early_stopping=STOPPED)]
    check(program, [trial(n, of, several[n % 2], epochs=EPOCHS) for n in range(4)], at=2, width=3)


KEPT = {
    "step": settings("adam", learning_rate=0.05),
    "mean": settings("adam", learning_rate=0.05),
    "velocity": settings("momentum"),
    "largest": settings("momentum", momentum={"schedule": "gradient_norm", "start": 0.5, "end": 0.9}),
    "misses": settings("sgd", emphasis=MISSED),
    "stopping.kept": settings("sgd", learning_rate=1.0, early_stopping=STOPPED | {"patience": 1}),
    "searching": settings("polak_ribiere"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_left_out_of_a_checkpoint_is_missed(name, monkeypatch):
    """The checks above would see it: of each kind of state, one tensor that stays as it is at a trial's start."""
    of = clouds_work(batch_size=None if name == "searching" else 33, hidden=(4,))
    program = clouds_objective(of)
    specs = [trial(n, of, KEPT[name], epochs=EPOCHS) for n in range(2)]
    assert name in begun(program, specs)[0].slots[0].tensors
    check(program, specs, at=3, width=1)

    def fill_all_but(tensors, frozen):
        for each, tensor in tensors.items():
            if not each.endswith(f".{name}"):
                tensor.copy_(frozen[each])

    monkeypatch.setattr(checkpoint, "_fill", fill_all_but)
    with pytest.raises(AssertionError):
        check(program, specs, at=3, width=1)


@pytest.fixture(scope="module")
def saved():
    """A trial's program, the trial, and its checkpoint after two epochs with two reports."""
    of = clouds_work(hidden=(4,))
    program = clouds_objective(of)
    spec = trial(0, of, settings("adam"), epochs=EPOCHS)
    (trained,) = advanced(program, begun(program, [spec]), 2)
    trained.reports = [Report(spec.id, 0, epoch, {"train.loss": 0.1 + epoch / 3}) for epoch in (1, 2)]
    return program, spec, freeze(trained, ABOUT)


def thawed(saved, content, about=ABOUT):
    program, spec, _ = saved
    return thaw(TrainedTrial.start(order(spec), program), content, about)


def test_reports_are_in_it_as_they_were(saved):
    found = thawed(saved, saved[2])
    assert [(report.epoch, report.metrics) for report in found.reports] == [
        (epoch, {"train.loss": 0.1 + epoch / 3}) for epoch in (1, 2)
    ]
    assert (found.epoch, found.saved, found.told, found.stop) == (2, 2, 0, 3)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_one_that_was_cut_short_is_not_used(saved, share):
    content = saved[2]
    with pytest.raises(Unusable, match="checksum"):
        thawed(saved, content[: int(share * len(content))])


@pytest.mark.parametrize("place", [0, 30, 200, -1])
def test_one_with_a_wrong_byte_is_not_used(saved, place):
    content = bytearray(saved[2])
    content[place] ^= 1
    with pytest.raises(Unusable, match="checksum"):
        thawed(saved, bytes(content))


@pytest.mark.parametrize(("fact", "what"), DIFFERENT.items())
def test_one_of_another_kind_is_not_used(saved, fact, what):
    with pytest.raises(Unusable, match=what):
        thawed(saved, saved[2], ABOUT | {fact: "another"})


def test_it_is_lines_and_tensors_that_other_programs_read(saved):
    _, facts, rest = saved[2].split(b"\n", 2)
    assert json.loads(facts)["epoch"] == 2
    assert torch.equal(load(rest)["0.parameters"], thawed(saved, saved[2]).slots[0].tensors["parameters"])
