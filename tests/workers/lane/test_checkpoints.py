"""Lanes that die between two epochs: their trials go on from checkpoints, or begin anew where these are not usable."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load

from slalom.errors import InputError
from slalom.wire.checkpoints import Checkpoints
from slalom.wire.trial import Outcome, Turn
from slalom_worker.lane import checkpoints as module
from slalom_worker.lane.worker import LaneWorker
from tests.workers.training.test_invariance import MIX, facts, finish
from tests.workers.trials import CPU, order, settings, trial, work

WORK = work(hidden=(8,), batch_size=300)
EPOCHS = 9


@pytest.fixture
def kept(tmp_path):
    return Checkpoints(every=2, folder=tmp_path, study="f" * 64, code="c0de")


def lane(kept, width=3):
    return LaneWorker(".", width, turn_seconds=0.0, device=CPU, checkpoints=kept)


def trials(count=4, epochs=EPOCHS, **options):
    return [trial(n, WORK, MIX[n % len(MIX)], epochs=epochs, **options) for n in range(count)]


def killed_after(turns, kept, orders, width=3):
    """A lane that takes so many turns of an epoch and dies; what the loop heard of it is lost, too."""
    worker = lane(kept, width)
    worker.turn(Turn(tuple(orders)))
    for _ in range(turns - 1):
        worker.turn(Turn())


def whole(specs):
    return facts(*finish(lane(None), [order(spec) for spec in specs]))


def again(specs):
    """The trials' next attempts."""
    return [replace(spec, attempt=spec.attempt + 1) for spec in specs]


def test_a_trial_that_was_killed_ends_as_the_undisturbed_one(kept):
    specs = trials()
    killed_after(7, kept, [order(spec) for spec in specs])
    second = lane(kept, width=2)
    reports, results = finish(second, [order(spec) for spec in again(reversed(specs))])
    assert facts(reports, results) == whole(specs)
    assert {report.attempt for report in reports} == {1}
    assert second.checkpoints.told() == ()


def test_only_the_epochs_after_the_checkpoint_are_trained(kept):
    (spec,) = trials(1)
    killed_after(7, kept, [order(spec)])
    worker, trained = lane(kept), 0
    reply = worker.turn(Turn((order(*again([spec])),)))
    assert [report.epoch for report in reply.reports] == [1, 2, 3, 4, 5, 6, 7]
    while not reply.results:
        trained += reply.effort.trained
        reply = worker.turn(Turn())
    assert trained + reply.effort.trained == EPOCHS - 6


def test_a_trial_may_die_again_and_again(kept):
    specs = trials(2)
    for turns in (3, 1, 4):
        killed_after(turns, kept, [order(spec) for spec in specs], width=turns)
    assert facts(*finish(lane(kept), [order(spec) for spec in specs])) == whole(specs)


def test_a_loop_that_begins_anew_asks_for_rungs_that_the_trial_has_passed(kept):
    """The reports of these rungs are the checkpoint's; nothing is trained for them."""
    specs = trials(3)
    killed_after(7, kept, [order(spec) for spec in specs])
    worker, found = lane(kept), [[], []]
    for until in (1, 3, 6, EPOCHS):
        reports, results = finish(worker, [order(spec, until) for spec in specs])
        assert max(report.epoch for report in reports) == until
        assert len({(report.trial, report.epoch) for report in reports}) == len(reports)
        found = [found[0] + reports, found[1] + results]
    assert facts(*found) == whole(specs)


def test_the_weights_of_a_trial_that_went_on_are_those_of_the_undisturbed(kept):
    (spec,) = trials(1)
    killed_after(5, kept, [order(spec)])
    _, (gone_on,) = finish(lane(kept), [order(spec, keep_weights=True)])
    _, (undisturbed,) = finish(lane(None), [order(spec, keep_weights=True)])
    one, other = (load(result.weights[0]) for result in (gone_on, undisturbed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_trial_that_has_stopped_early_goes_on(kept):
    chosen = settings("sgd", learning_rate=3.0, early_stopping={"by": "validation", "patience": 1})
    spec = replace(trial(0, WORK, chosen, epochs=40), report_every=5, record=("gradient",))
    killed_after(3, kept, [order(spec)])
    assert facts(*finish(lane(kept), [order(spec)])) == whole([spec])


def test_one_that_diverges_or_ends_leaves_no_later_checkpoint(kept):
    wild = trial(0, WORK, settings("sgd", learning_rate=1e308), epochs=EPOCHS)
    _, (result,) = finish(lane(kept), [order(wild)])
    assert (result.outcome, result.epochs) == (Outcome.DIVERGED, 1)
    assert list(kept.folder.iterdir()) == []
    finish(lane(replace(kept, every=4)), [order(spec) for spec in trials(1, epochs=4)])
    assert list(kept.folder.iterdir()) == []


def files(kept):
    return sorted(kept.folder.rglob("*.*")) + sorted(kept.folder.rglob(module.NAME))


def cut(content):
    return content[: len(content) // 2]


def changed(content):
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("harm", [cut, changed, lambda content: b""])
def test_a_broken_checkpoint_is_told_and_not_used(kept, harm):
    specs = trials(2)
    killed_after(5, kept, [order(spec) for spec in specs])
    first, other = files(kept)
    first.write_bytes(harm(first.read_bytes()))
    worker = lane(kept)
    reply = worker.turn(Turn(tuple(order(spec) for spec in specs)))
    assert reply.told == (
        "the checkpoint of arm/0/tune/0 was cut short or changed: its checksum is wrong; it is not used, and the trial "
        "begins anew",
    )
    assert {report.trial.number: report.epoch for report in reply.reports} == {0: 1, 1: 5}
    reports, results = list(reply.reports), []
    while len(results) < 2:
        reply = worker.turn(Turn())
        reports, results = [*reports, *reply.reports], [*results, *reply.results]
    assert facts(reports, results) == whole(specs)
    assert other.exists()


OTHERS = {
    "study": {"study": "0" * 64},
    "version of Slalom": {"code": "0ther"},
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_checkpoint_of_another_study_or_version_is_told_and_not_used(kept, what):
    (spec,) = trials(1)
    killed_after(5, kept, [order(spec)])
    reply = lane(replace(kept, **OTHERS[what])).turn(Turn((order(spec),)))
    assert what in reply.told[0]
    assert [report.epoch for report in reply.reports] == [1]


def test_a_checkpoint_of_another_torch_is_told_and_not_used(kept, monkeypatch):
    (spec,) = trials(1)
    killed_after(5, kept, [order(spec)])
    monkeypatch.setattr(module.torch, "__version__", "1.0.0")
    reply = lane(kept).turn(Turn((order(spec),)))
    assert "other versions of torch" in reply.told[0]
    assert [report.epoch for report in reply.reports] == [1]


def test_a_checkpoint_of_other_hyperparameters_is_told_and_not_used(kept):
    (spec,) = trials(1)
    killed_after(5, kept, [order(spec)])
    other = replace(spec, settings={**spec.settings, "learning_rate": 0.011})
    reply = lane(kept).turn(Turn((order(other),)))
    assert "another trial" in reply.told[0]
    assert [report.epoch for report in reply.reports] == [1]


def test_a_write_that_is_broken_off_leaves_the_checkpoint_before(kept, monkeypatch):
    (spec,) = trials(1)
    killed_after(2, kept, [order(spec)])
    (file,) = files(kept)
    before = file.read_bytes()

    def gone(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", gone)
    worker = lane(kept)
    told = [worker.turn(Turn((order(spec),))).told, worker.turn(Turn()).told]
    assert told == [
        (),
        (
            "the checkpoint of arm/0/tune/0 after epoch 4 cannot be written (No space left on device); the trial goes "
            "on without",
        ),
    ]
    assert file.read_bytes() == before
    monkeypatch.undo()
    assert facts(*finish(lane(kept), [order(spec)])) == whole([spec])


def test_a_node_that_does_not_see_the_folder_is_refused(kept):
    with pytest.raises(InputError, match=r"every lane's node must see the home's folder .*/nowhere"):
        lane(replace(kept, folder=kept.folder / "nowhere"))


def test_without_the_setting_nothing_is_written_or_kept():
    worker = lane(None)
    (spec,) = trials(1)
    worker.turn(Turn((order(spec),)))
    assert worker.checkpoints is None
    assert worker.seated[0].reports == []
