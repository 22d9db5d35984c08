"""The benchmarks stand: they import, their studies are studies, and the step written by hand is a step."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.benchmarks import batch, fleet
from tests.benchmarks.document import END, write
from tests.benchmarks.peers.by_hand import Step, by_autograd, by_bmm
from tests.benchmarks.peers.contest import Timing
from tests.benchmarks.peers.static_pack import orders
from tests.benchmarks.tables import contest_table
from tests.benchmarks.virtual import Fleet
from tests.benchmarks.workloads import WORKLOADS

FOLDER = Path(__file__).parent
MODULES = [file.stem for file in (FOLDER / "peers").glob("*.py") if not file.stem.startswith("ray_tune")]


@pytest.mark.parametrize("module", MODULES)
def test_a_contestant_imports(module):
    importlib.import_module(f"tests.benchmarks.peers.{module}")


@pytest.mark.parametrize("name", sorted(set(WORKLOADS) - {"fashion"}))
def test_a_workload_is_a_study_of_as_many_trials(name):
    workload = WORKLOADS[name]
    for one in (workload, workload.quick()):
        spec = one.study()
        searches = spec.tune.searches.at_most
        assert len(spec.arms) * searches * (spec.tune.trials + spec.confirm_seeds) == one.arms.trials
        assert (searches, spec.tune.pick.trials, spec.resampled) == (one.arms.searches, 0, True)


def test_halving_trains_a_third_of_the_trials_three_times_as_long():
    workload = WORKLOADS["halving"]
    lengths = sorted(one.trial.epochs for one in orders(workload, 9))
    assert lengths == [31] * 6 + [93] * 2 + [279]


def test_both_gradients_written_by_hand_are_the_same():
    torch.manual_seed(0)
    step = Step(4, 8, (2, 10, 3))
    by_autograd(step)
    gradient, loss = step.gradient.clone(), step.loss.clone()
    step.gradient.zero_()
    by_bmm(step)
    torch.testing.assert_close(step.gradient, gradient)
    torch.testing.assert_close(step.loss, loss)


def test_ratios_are_per_core():
    """Also while the study trains, which is half of its time here."""
    study = Timing(2, 100, 1.0, 2.0, training_seconds=0.5)
    timings = {("mixture", "slalom"): [study], ("mixture", "serial"): [Timing(1, 10, 1.0, 1.0)]}
    assert [row[6:8] for row in contest_table(timings).rows] == [("-", "-"), ("5 x", "10 x")]


def test_only_the_measured_part_is_written(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n<!-- `make bench` writes from here -->\nold\n{END}\nafter\n")
    write(page, ["new", "figures"])
    assert page.read_text() == f"before\n<!-- `make bench` writes from here -->\n\nnew\n\nfigures\n\n{END}\nafter\n"


@pytest.mark.thorough
def test_a_batch_size_is_timed_at_the_rate_that_was_found():
    """The better of one that learns and one that does not; each seed's epoch is the first with the goal."""
    rate, course = batch.measured(32, (1e-6, 0.3), copies=1)
    assert rate == 0.3
    assert len(course.seconds) == 1 + max(course.reached)
    assert len(course.reached) == batch.SEEDS
    whole = batch.Course([50.0] * batch.SEEDS, [0.06] * batch.SEEDS, [1.0 * epoch for epoch in range(51)])
    assert batch.row(32, rate, course, whole)[3].endswith("x fewer")


def test_a_goal_that_is_not_reached_is_told():
    course = batch.Course([3.0, float("inf"), float("inf")], [0.06, 0.1, 0.1], [0.0, 0.1])
    assert batch.row(1, 0.1, course, None)[2] == f"not in {batch.EPOCHS} epochs"


@pytest.mark.thorough
def test_a_fleet_is_measured():
    """Devices that wait for the loop are at work for less of their time, and train the same."""
    few = Fleet(10, 2000, epoch=0.005, life=5.0, away=0.1)
    free, charged = fleet.measured(few), fleet.measured(replace(few, charge=True))
    assert free.exact
    assert charged.exact
    assert free.end.trials == charged.end.trials == 2000
    assert 0.95 < free.full.worked / free.full.present < 1.01
    assert charged.full.worked / charged.full.present < 0.9
    assert fleet.rows(few, free)["each once"] == "yes"
