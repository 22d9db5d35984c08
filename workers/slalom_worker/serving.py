"""A trained trial as a model that answers: what `mlflow.pyfunc.load_model` loads, by this module's name.

The folder holds weights.safetensors, whose header says the inputs' shape and the number of classes, model.json
(task, model and precision), and the user's task file where the task is the user's own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save

from slalom.errors import InputError
from slalom.trial import Work
from slalom_worker.modules import build_module
from slalom_worker.tasks import open_task
from slalom_worker.tasks.data import Data, Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn


def freeze(parameters: Mapping[str, Tensor], shape: Sequence[int], classes: int) -> bytes:
    """One trial's parameters as safetensors that say what they are for: inputs [n, *shape] to so many classes."""
    about = {"shape": json.dumps(list(shape)), "classes": str(classes)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in parameters.items()}
    return save(tensors, about)


@dataclass(frozen=True)
class Classifier:
    """A trained module and the shape of one input."""

    module: nn.Module
    shape: tuple[int, ...]
    dtype: torch.dtype

    def predict(self, inputs: Any, params: Mapping[str, Any] | None = None) -> NDArray[Any]:  # noqa: ARG002 (MLflow's)
        """Class probabilities [n, classes] of inputs [n, *shape]: an array, or a table with a row for each."""
        examples = torch.as_tensor(np.array(inputs, dtype=np.float32)).reshape(-1, *self.shape)
        with torch.inference_mode():
            probabilities: Tensor = self.module(examples.to(self.dtype)).softmax(dim=1)
        return probabilities.numpy()


def _load_pyfunc(path: str) -> Classifier:
    """What MLflow calls with the folder; InputError where the weights are not those of the model."""
    folder = Path(path)
    about = json.loads((folder / "model.json").read_text())
    work = Work(about["task"], about["model"], None, about["precision"])
    with safe_open(folder / "weights.safetensors", framework="pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        header = file.metadata()
    shape, classes = tuple(json.loads(header["shape"])), int(header["classes"])
    module = build_module(work, _stand_in(shape, classes), open_task(work.task, folder), seed=0)
    _fill(module, weights)
    return Classifier(module.eval(), shape, next(iter(weights.values())).dtype)


def _stand_in(shape: tuple[int, ...], classes: int) -> Data:
    """Data of the right shape, so that a model is built where the task's data is not at hand."""
    split = Split(np.zeros((1, *shape), np.float32), np.zeros(1, np.int64))
    return Data(split, split, split, classes)


def _fill(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    parameters = dict(module.named_parameters())
    if parameters.keys() != weights.keys():
        raise InputError(f"weights must be those of {sorted(parameters)}, but got {sorted(weights)}")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
