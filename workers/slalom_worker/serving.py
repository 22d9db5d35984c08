"""A trained trial as a model that answers: what `mlflow.pyfunc.load_model` loads, by this module's name.

The folder holds model.json (task, model, loss, precision, and how an ensemble's members are combined), a folder
`members` with a safetensors file for each net, whose header says the inputs' shape and the number of classes, and the
user's task file where the task is the user's own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from slalom.errors import InputError
from slalom.trial import Work
from slalom_worker.ensemble import equal_shares, say
from slalom_worker.losses import LOSSES
from slalom_worker.modules import DTYPES, build_module
from slalom_worker.tasks import open_task
from slalom_worker.tasks.data import Data, Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from slalom_worker.losses.base import Options


def freeze(parameters: Mapping[str, Tensor], shape: Sequence[int], classes: int) -> bytes:
    """One net's parameters as safetensors that say what they are for: inputs [n, *shape] to so many classes."""
    about = {"shape": json.dumps(list(shape)), "classes": str(classes)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in parameters.items()}
    return save(tensors, about)


@dataclass(frozen=True)
class Classifier:
    """Trained nets, one or an ensemble's members, and the shape of one input.

    loss: that they were trained with, {"name": ..., **options}
    combine: "mean", "vote", or "none" of one net
    """

    modules: Sequence[nn.Module]
    shape: tuple[int, ...]
    dtype: torch.dtype
    loss: Options
    combine: str

    def predict(self, inputs: Any, params: Mapping[str, Any] | None = None) -> NDArray[Any]:  # noqa: ARG002 (MLflow's)
        """Class probabilities [n, classes] of inputs [n, *shape]: an array, or a table with a row for each.

        Of an ensemble that votes, the fractions of its votes.
        """
        examples = torch.as_tensor(np.array(inputs, dtype=np.float32)).reshape(-1, *self.shape).to(self.dtype)
        with torch.inference_mode():
            outputs = torch.stack([module(examples) for module in self.modules]).double()
            said = say(LOSSES[self.loss["name"]], self.loss, outputs, equal_shares(outputs), self.combine)
        return said.to(self.dtype).numpy()


def _load_pyfunc(path: str) -> Classifier:
    """What MLflow calls with the folder; InputError where the weights are not those of the model."""
    folder = Path(path)
    about = json.loads((folder / "model.json").read_text())
    work = Work(about["task"], about["model"], None, about["precision"], about["loss"])
    files = sorted((folder / "members").iterdir())
    with safe_open(files[0], framework="pt") as file:
        header = file.metadata()
    shape, classes = tuple(json.loads(header["shape"])), int(header["classes"])
    task, data = open_task(work.task, folder), _stand_in(shape, classes)
    modules = []
    for member in files:
        module = build_module(work, data, task, seed=0)
        _fill(module, load_file(member))
        modules.append(module.to(DTYPES[work.precision]).eval())
    return Classifier(modules, shape, DTYPES[work.precision], work.loss, about["combine"])


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
