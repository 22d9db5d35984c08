"""Operations without a deterministic kernel are kept with the trials that were trained by them."""

import math
import warnings

import pytest
import torch

from slalom.records.on_mlflow.pages.trial import trial_page
from slalom.wire.trial import Ended, Outcome, Turn
from slalom_worker.lane.alone import AloneWorker
from slalom_worker.lane.kernels import Kernels, ask_for_deterministic_kernels
from slalom_worker.lane.worker import LaneWorker
from slalom_worker.training.pack import Pack
from tests.workers.training.test_alone import order as to_own
from tests.workers.trials import CPU, order, settings, trial, work

OTHER = work("mixture", hidden=(4,))

OWN = """
import torch

def train(trial):
    torch.zeros(3).put_(torch.tensor([0]), torch.tensor([1.0]))
    trial.report(error=0.5)
"""


@pytest.fixture
def asked():
    """As on a GPU; the CPU has an operation or two without a deterministic kernel as well."""
    filled = torch.utils.deterministic.fill_uninitialized_memory
    ask_for_deterministic_kernels()
    yield
    torch.use_deterministic_algorithms(False)
    torch.utils.deterministic.fill_uninitialized_memory = filled


def put():
    torch.zeros(3).put_(torch.tensor([0]), torch.tensor([1.0]))


def test_names_are_kept_by_program_and_told_once(asked):
    kernels = Kernels("a GPU")
    for program in ("a", "b", "a"):
        with kernels.heard(program):
            put()
    assert (kernels.of("a"), kernels.of("b"), kernels.of("c")) == (("put_",), ("put_",), ())
    (told,) = kernels.told()
    assert told.startswith("not deterministic on a GPU: put_; ")
    assert kernels.told() == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("kthvalue CUDA does not have a deterministic implementation, but you set", "kthvalue CUDA"),
        ("Flash Attention defaults to a non-deterministic algorithm. To explicitly enable", "Flash Attention"),
    ],
)
def test_names_of_torchs_own_texts(asked, text, name):
    kernels = Kernels("a GPU")
    with kernels.heard("a"):
        warnings.warn(text, stacklevel=1)
    assert kernels.of("a") == (name,)


def test_other_warnings_go_where_they_went():
    with pytest.warns(UserWarning, match="something else"), Kernels("a GPU").heard("a"):
        warnings.warn("something else", stacklevel=1)


def test_a_trial_says_which_of_its_operations_are_not_deterministic(asked, monkeypatch):
    """The program of the other trial has none."""
    advance = Pack.advance

    def noisy(pack):
        if pack.objective.work == OTHER:
            put()
        advance(pack)

    monkeypatch.setattr(Pack, "advance", noisy)
    trials = [trial(n, of, settings("sgd"), epochs=1) for n, of in enumerate((work("mixture", hidden=(3,)), OTHER))]
    reply = LaneWorker(width=2, turn_seconds=math.inf, device=CPU).turn(Turn(tuple(map(order, trials))))
    found = {result.trial.number: result for result in reply.results}
    assert [found[n].not_deterministic for n in (0, 1)] == [(), ("put_",)]
    assert len(reply.told) == 1
    pages = [trial_page("f" * 64, Ended(one, found[n])) for n, one in enumerate(trials)]
    assert [page.tags.get("slalom.not_deterministic") for page in pages] == [None, "put_"]


def test_a_training_function_is_listened_to_as_well(asked, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    reply = AloneWorker(tmp_path, "error", device=CPU).turn(Turn((to_own(until=4),)))
    assert [(result.outcome, result.not_deterministic) for result in reply.results] == [(Outcome.COMPLETE, ("put_",))]
    assert len(reply.told) == 1
