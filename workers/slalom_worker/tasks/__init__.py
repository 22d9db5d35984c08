"""The tasks that a study can name: one file each, and one line here. A user's own task is named "file.py:Class"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slalom.errors import InputError, nearest, quoted
from slalom_worker.tasks.amsgrad_counterexample import AMSGRAD_COUNTEREXAMPLE
from slalom_worker.tasks.base import OwnModel, Task, TaskKind
from slalom_worker.tasks.cifar10 import CIFAR10
from slalom_worker.tasks.data import Data, Split
from slalom_worker.tasks.digits import DIGITS
from slalom_worker.tasks.fashion_mnist import FASHION_MNIST
from slalom_worker.tasks.ill_conditioned import ILL_CONDITIONED
from slalom_worker.tasks.image_folder import IMAGE_FOLDER
from slalom_worker.tasks.mixture import MIXTURE
from slalom_worker.tasks.mnist import MNIST
from slalom_worker.tasks.parts import draw, load_split, own_parts, splits_of
from slalom_worker.tasks.quadratic_deep import QUADRATIC_DEEP
from slalom_worker.tasks.user import UserTask, find, open_user_task, own_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TASKS: Mapping[str, TaskKind] = {
    "digits": DIGITS,
    "mixture": MIXTURE,
    "fashion_mnist": FASHION_MNIST,
    "mnist": MNIST,
    "cifar10": CIFAR10,
    "image_folder": IMAGE_FOLDER,
    "ill_conditioned": ILL_CONDITIONED,
    "amsgrad_counterexample": AMSGRAD_COUNTEREXAMPLE,
    "quadratic_deep": QUADRATIC_DEEP,
}


def open_task(settings: Mapping[str, Any], folder: Path) -> Task:
    """Open the task of the settings {"name": ..., **options}; relative paths in the options start from `folder`.

    Raises InputError, with rule and value, for an unknown name, a wrong option, or a user's file that cannot be used.
    """
    options = {option: value for option, value in settings.items() if option != "name"}
    name = settings.get("name")
    if isinstance(name, str) and ":" in name:
        return open_user_task(name, options, folder)
    if not isinstance(name, str) or name not in TASKS:
        raise InputError(f"task must be a bundled task or file.py:Class, but got {quoted(name)}{nearest(name, TASKS)}")
    return TASKS[name].open(options, folder)


__all__ = [
    "TASKS",
    "Data",
    "OwnModel",
    "Split",
    "Task",
    "TaskKind",
    "UserTask",
    "draw",
    "find",
    "load_split",
    "open_task",
    "own_code",
    "own_parts",
    "splits_of",
]
