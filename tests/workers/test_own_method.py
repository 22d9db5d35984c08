"""Methods of the user's own, beside the study file: opened like the package's, rehearsed, and told by file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import slalom
from slalom.errors import InputError, StudyError
from slalom.wire.trial import Work
from slalom.wiring import local_lanes
from slalom_worker.methods import Methods
from slalom_worker.net.objective import Objective
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.program.ways import Way
from slalom_worker.tasks import open_task
from tests.support.mlflow_tables import database
from tests.workers.checks import check_invariance
from tests.workers.trials import settings, trial

if TYPE_CHECKING:
    from pathlib import Path

MINE = """
import numpy as np

from slalom.wire.kinds import Number, fraction, positive
from slalom_worker.augmentation import Augmentation
from slalom_worker.emphasis.base import BY, Emphasis
from slalom_worker.initializations.base import Initialization
from slalom_worker.losses import Loss
from slalom_worker.optimizers import Block, Optimizer
from slalom_worker.preprocessing import Fitted, Preprocessing
from slalom_worker.schedules import Schedule
from signs import sign_of


def lion(block):
    mean, columns = block.state["mean"], block.columns
    block.parameters.addcmul_(sign_of(mean.lerp(block.gradient, columns["news"])), columns["rate"], value=-1)
    mean.lerp_(block.gradient, columns["news_mean"])


Lion = Optimizer(
    lion,
    state=("mean",),
    hyperparameters={"beta1": fraction(0.9), "beta2": fraction(0.99)},
    columns={"news": lambda _, given: 1 - given["beta1"], "news_mean": lambda _, given: 1 - given["beta2"]},
    decoupled=True,
)
Falling = Schedule(lambda clock, given: 0.99 - given["by"] * clock.step / clock.steps, {"by": Number(0.5, 0.0, 1.0)})
Late = Emphasis(
    lambda state, given: 1 + given["strength"] * (state.labels == 0), {"strength": positive(1.0), "by": BY}
)
Small = Initialization(lambda weight, fans, generator, given: weight.uniform_(-0.1, 0.1, generator=generator), {})
Halved = Preprocessing(lambda inputs: Fitted(np.zeros(inputs.shape[1]), np.full(inputs.shape[1], 0.5)))
def dimmed(pictures, given):
    light = 1 - given.draws.uniform(1) * given.options["by"].unsqueeze(-1)
    return pictures * light.to(pictures.dtype)[..., None, None]


Dimmed = Augmentation(dimmed, {"by": Number(0.5, 0.0, 1.0)})
Hinge = Loss(
    lambda outputs, labels, _: (
        (1 + outputs.mT - outputs.mT.gather(-2, labels.unsqueeze(-2))).clamp(min=0).sum(-2) - 1
    ),
    second=lambda outputs, _: outputs.new_zeros(outputs.shape),
    of_mean=lambda outputs, shares, labels, _: (
        (1 + (mean := (outputs * shares.unsqueeze(-1)).sum(0)) - mean.gather(-1, labels.unsqueeze(-1)))
        .clamp(min=0).sum(-1) - 1
    ),
    predict=lambda outputs, _, numbers: outputs.softmax(-1),
    parameters={},
)
"""
HELPER = """
def sign_of(values):
    return values.sign()
"""
ARMS = {
    "plain": {"optimizer": "sgd"},
    "lion": {"optimizer": "mine.py:Lion", "beta2": {"uniform": [0.9, 0.999]}},
    "falling": {"optimizer": "sgd", "learning_rate_schedule": {"schedule": "mine.py:Falling", "by": 0.9}},
    "momentum": {"optimizer": "momentum", "momentum": "mine.py:Falling"},
    "late": {"optimizer": "sgd", "emphasis": {"scheme": "mine.py:Late", "by": "weighting", "strength": 3}},
    "small": {"optimizer": "sgd", "initialization": "mine.py:Small"},
    "hinge": {"optimizer": "adam", "loss": "mine.py:Hinge"},
    "dimmed": {"optimizer": "sgd", "augmentation": [{"method": "mine.py:Dimmed", "by": {"uniform": [0, 1]}}, "mirror"]},
    "halved": {"optimizer": "sgd", "preprocess": {"choice": ["none", "mine.py:Halved"]}},
}
STUDY = {
    "name": "mine",
    "question": "Which of mine?",
    "task": "digits",
    "model": {"name": "mlp", "hidden": [8]},
    "training": {"epochs": 3},
    "search": {"learning_rate": {"log": [1e-3, 1e-2]}},
    "tune": {"trials": 2, "searches": 1, "pruner": "none", "pick": "none"},
    "confirm": {"seeds": 1},
    "compare": {"baseline": "plain"},
    "resources": {"pack_width": 8},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "signs.py").write_text(HELPER)
    return tmp_path


def study(**arms):
    return slalom.Study(**{**STUDY, "arms": {"plain": ARMS["plain"], **(arms or ARMS)}})


@pytest.mark.thorough
def test_a_method_of_every_sort_trains_in_a_study_and_is_served(folder: Path) -> None:
    spec = study()
    database(folder / "home")
    result = slalom.run(spec, folder / "home", lanes=local_lanes)
    assert {arm.name for arm in result.arms} == set(ARMS)
    assert all(arm.confirm is not None and np.isfinite(arm.confirm.mean) for arm in result.arms)
    errors = {arm.name: arm.confirm.mean for arm in result.arms if arm.confirm is not None}
    assert errors["lion"] < 0.3
    assert errors["hinge"] < 0.3


def test_its_numbers_are_those_of_the_same_method_in_the_package(folder: Path) -> None:
    (folder / "mine.py").write_text("from slalom_worker.optimizers.adam import ADAM as Mine")
    database(folder / "home")
    result = slalom.run(
        study(
            adam={"optimizer": "adam"},
            mine={"optimizer": "mine.py:Mine", "beta1": 0.1},
            other={"optimizer": "mine.py:Mine"},
        ),
        folder / "home",
        lanes=local_lanes,
    )
    known = {arm.name: arm.confirm for arm in result.arms}
    assert known["adam"] == known["other"]
    assert known["adam"] != known["mine"]


REMEMBERS = """
from slalom_worker.optimizers import Optimizer
steps = []
def update(block):
    steps.append(1)
    block.parameters.addcmul_(block.gradient, block.columns["rate"] / len(steps), value=-1)
Mine = Optimizer(update, (), {})
"""
MIXES = """
from slalom_worker.optimizers import Optimizer
def update(block):
    block.parameters.addcmul_(block.gradient - block.gradient.mean(0), block.columns["rate"], value=-1)
Mine = Optimizer(update, (), {}, whole=True)
"""
RAISES = """
from slalom_worker.optimizers import Optimizer
def update(block):
    block.parameters.sub_(block.state["mean"])
Mine = Optimizer(update, (), {})
"""
SHAPES = """
from slalom_worker.optimizers import Optimizer
Mine = Optimizer(lambda block: None, (), {"beta": 0.9})
"""
LOOKS = """
from slalom_worker.optimizers import Optimizer
def update(block):
    if block.gradient.norm() > 1e6:
        block.gradient.zero_()
    block.parameters.addcmul_(block.gradient, block.columns["rate"], value=-1)
Mine = Optimizer(update, (), {})
"""
LEAVES = LOOKS.replace("block.gradient.norm()", "block.gradient.numpy().max()")
LISTS = LOOKS.replace("block.gradient.norm()", "block.gradient.tolist()[0][0]")
COUNTS = """
from slalom_worker.optimizers import Optimizer
def update(block):
    block.parameters.addcmul_(block.gradient, block.columns["late"] * block.columns["rate"], value=-1)
def late(number, given):
    return number * 0 + 1 if number.max() < 1e6 else number
Mine = Optimizer(update, (), {}, columns={"late": late})
"""
REFUSED = {
    "looks": (LOOKS, r"mine\.py:Mine: update looks at its numbers \(mine\.py, line 4\)"),
    "leaves torch": (LEAVES, r"mine\.py:Mine: update looks at its numbers \(mine\.py, line 4\)"),
    "lists": (LISTS, r"mine\.py:Mine: update looks at its numbers \(mine\.py, line 4\)"),
    "looks in a column": (COUNTS, r"mine\.py:Mine: late looks at its numbers \(mine\.py, line 6\)"),
    "remembers": (REMEMBERS, "a trial's numbers must be the same trained twice from the same seed"),
    "mixes": (MIXES, "a trial's numbers must be the same in a pack of 3 as alone"),
    "raises": (RAISES, r"mine\.py:Mine: update must not raise, but got KeyError: 'mean' \(line 4\)"),
    "options": (SHAPES, r"hyperparameters must be numbers, .* but beta is 0\.9"),
    "of another sort": ("Mine = 3", r"mine\.py: 'Mine' must be an Optimizer, as the package's own files make one"),
    "near": ("from slalom_worker.optimizers.sgd import SGD as Mina", "did you mean 'Mina'"),
    "no such file": (None, r"mine\.py: must be a Python file, but got no such file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_that_does_not_keep_to_the_rules_is_refused_with_its_arm(folder: Path, name: str) -> None:
    text, message = REFUSED[name]
    (folder / "mine.py").unlink() if text is None else (folder / "mine.py").write_text(text)
    with pytest.raises(StudyError, match=message) as caught:
        study(mine={"optimizer": "mine.py:Mine"})
    assert str(caught.value).startswith("arms.mine")


def test_an_augmentation_that_looks_at_its_pictures_is_refused(folder: Path) -> None:
    (folder / "mine.py").write_text(
        "from slalom_worker.augmentation import Augmentation\n"
        "def change(pictures, given):\n"
        "    return pictures * 2 if pictures.max() > 0.5 else pictures * 1\n"
        "Mine = Augmentation(change, {})"
    )
    with pytest.raises(StudyError, match=r"mine\.py:Mine: change looks at its numbers \(mine\.py, line 3\)"):
        study(mine={"optimizer": "sgd", "augmentation": "mine.py:Mine"})


def test_a_schedule_that_looks_at_its_numbers_is_refused(folder: Path) -> None:
    (folder / "mine.py").write_text(
        "from slalom_worker.schedules import Schedule\n"
        "Mine = Schedule(lambda clock, given: clock.step * 0 + (1 if clock.step.max() < 1e6 else 0), {})"
    )
    for key in ("learning_rate_schedule", "momentum"):
        with pytest.raises(StudyError, match=r"mine\.py:Mine: value looks at its numbers \(mine\.py, line 2\)"):
            study(mine={"optimizer": "momentum", key: "mine.py:Mine"})


CAREFUL = """
from slalom_worker.losses import Loss
from slalom_worker.losses.cross_entropy import CROSS_ENTROPY as known
def each(outputs, labels, options):
    losses = known.each(outputs, labels, {"label_smoothing": 0.0})
    return losses * 0.5 if LOOK > 2.31 else losses
Mine = Loss(each, known.second, known.of_mean, known.predict, {})
"""


@pytest.mark.parametrize("look", ["losses.max()", "losses.detach().numpy().max()", "max(losses.flatten().tolist())"])
def test_a_loss_that_looks_at_its_numbers_is_computed_slot_by_slot(folder: Path, look: str) -> None:
    (folder / "mine.py").write_text(CAREFUL.replace("LOOK", look))
    methods = Methods.beside(folder)
    model = {"name": "mlp", "hidden": [4], "activation": "tanh", "bias": True}
    work = Work({"name": "digits"}, model, 32, loss={"name": "mine.py:Mine"})
    task = open_task(work.task, folder)
    program = Objective(work, task.load(), task, torch.device("cpu"), methods)
    assert program.way is Way.BY_HAND
    specs = [trial(n, work, settings("sgd", learning_rate=0.1), epochs=1) for n in range(4)]
    check_invariance(program, specs, (1, 2, 4))


def test_a_method_must_lie_in_the_study_s_folder(folder: Path) -> None:
    for name in ("../mine.py:Lion", f"{folder}/mine.py:Lion"):
        with pytest.raises(StudyError, match=r"in the study's folder|from the study's folder on, as mine.py"):
            study(mine={"optimizer": name})


def test_a_hyperparameter_cannot_take_the_name_of_a_setting(folder: Path) -> None:
    (folder / "mine.py").write_text(
        "from slalom.wire.kinds import fraction\nfrom slalom_worker.optimizers import Optimizer\n"
        "Mine = Optimizer(lambda block: None, (), {'emphasis': fraction(0.5)})"
    )
    with pytest.raises(StudyError, match=r"hyperparameter 'emphasis' of mine.py:Mine is the name of another setting"):
        study(mine={"optimizer": "mine.py:Mine"})


def test_the_table_opens_a_file_once_and_knows_the_package(folder: Path) -> None:
    methods = Methods.beside(folder)
    assert methods.optimizer["sgd"] is OPTIMIZERS["sgd"]
    assert methods.optimizer["mine.py:Lion"] is methods.optimizer["mine.py:Lion"]
    assert [*methods.optimizer] == [*OPTIMIZERS, "mine.py:Lion"]
    with pytest.raises(KeyError):
        methods.optimizer["no such"]
    with pytest.raises(InputError, match="'Falling' must be an Optimizer"):
        methods.optimizer["mine.py:Falling"]
