"""A trained trial as a model that predicts: `mlflow.pyfunc.load_model` loads it by this module's name.

The model's folder holds model.json (task, model, loss, precision, the part of a picture that the nets see, and how an
ensemble's members are combined), a folder `members` with a safetensors file for each net, and a folder `code` with the
user's own files where the study names any.
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
from slalom.wire.evaluation import WHOLE
from slalom.wire.trial import Work
from slalom_worker.methods import Methods
from slalom_worker.net.ensemble import combined_prediction, equal_shares
from slalom_worker.net.examples import in_precision
from slalom_worker.net.modules import DTYPES, build_module, rest_of, weights_of
from slalom_worker.net.view import View
from slalom_worker.preprocessing import Fitted
from slalom_worker.tasks import open_task
from slalom_worker.tasks.data import Data, Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from slalom_worker.losses.base import Loss, Options


CODE = "code"
"""Name of the folder with the user's own files."""

PREPARED = "prepared."
"""Prefix of the names of the preprocessing's arrays, which are stored beside the parameters."""


def freeze(parameters: Mapping[str, Tensor], data: Data, prepared: Fitted | None = None) -> bytes:
    """One net's parameters and state (Forward.state), and its preprocessing if any, as a safetensors file's bytes.

    The header holds "shape", an input's shape; "picture", the shape as a picture, if inputs are pictures; "inputs", the
    inputs' type; "outputs", their number; and "kind", what is predicted, "classes" or "numbers".
    """
    kind = "numbers" if data.classes is None else "classes"
    inputs = data.train.inputs.dtype.name
    about = {"shape": json.dumps(list(data.shape)), "inputs": inputs, "outputs": str(data.outputs), "kind": kind}
    if data.picture is not None:
        about["picture"] = json.dumps(data.picture)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in parameters.items()}
    arrays = {} if prepared is None else prepared.arrays()
    return save({**tensors, **{PREPARED + name: torch.as_tensor(array) for name, array in arrays.items()}}, about)


@dataclass(frozen=True)
class Predictor:
    """A trained net, or the nets of an ensemble.

    modules: the nets
    stand_in: data of the same shapes as the task's
    dtype: the precision the nets were trained in
    view: what the nets see of a picture
    loss, options: the loss that the nets were trained with, and its options {"name": ..., **options}
    combine: "mean" or "vote", or "none" for a single net
    prepared: the preprocessing of inputs, or None
    """

    modules: Sequence[nn.Module]
    stand_in: Data
    dtype: torch.dtype
    view: View
    loss: Loss
    options: Options
    combine: str
    prepared: Fitted | None

    def predict(self, inputs: Any, params: Mapping[str, Any] | None = None) -> NDArray[Any]:  # noqa: ARG002 (MLflow's)
        """Class probabilities or numbers [n, k]; where an ensemble votes, the fractions of the votes.

        inputs: an array [n, *shape], or a table with a row for each input
        Raises InputError where the nets were trained on bytes of pictures and the inputs are no whole numbers in
        [0, 255].
        """
        given = _of_type(inputs, self.stand_in.train.inputs.dtype).reshape(-1, *self.stand_in.shape)
        prepared = given if self.prepared is None else self.prepared.apply(given)
        examples = in_precision(torch.as_tensor(prepared), self.dtype)
        with torch.inference_mode():
            outputs = torch.stack([self.view.predict(module, examples) for module in self.modules]).double()
            said = combined_prediction(self._predict, outputs, equal_shares(outputs), self.combine)
        return said.to(self.dtype).numpy()

    def _predict(self, outputs: Tensor) -> Tensor:
        return self.loss.predict(outputs, self.options, self.stand_in.classes is None)


def _of_type(inputs: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The inputs as an array of the type that the nets were trained on; InputError where bytes cannot hold them."""
    given = np.asarray(inputs)
    if dtype == np.uint8 and given.dtype != np.uint8:
        wrong = given[(given != np.round(given)) | (given < 0) | (given > 255)]
        if wrong.size:
            raise InputError(
                "inputs must be the bytes of pictures, whole numbers in [0, 255], which the net gets divided by 255, "
                f"but got {wrong[0]}"
            )
    return np.array(inputs, dtype=dtype)


def _load_pyfunc(path: str) -> Predictor:
    """The predictor stored in a folder; MLflow calls this function. InputError where weights do not fit the model."""
    folder = Path(path)
    about = json.loads((folder / "model.json").read_text())
    work = Work(
        about["task"],
        about["model"],
        None,
        about["precision"],
        about["loss"],
        evaluation=about.get("evaluation", WHOLE),
    )
    files = sorted((folder / "members").iterdir())
    with safe_open(files[0], framework="pt") as file:
        data = _stand_in(file.metadata())
    loss = Methods.beside(folder / CODE).loss[work.loss["name"]]
    view = View(work, data, loss)
    task, modules = open_task(work.task, folder / CODE), []
    for member in files:
        module = build_module(work, view.data, task, seed=0)
        weights = load_file(member)
        _fill(module, {name: weight for name, weight in weights.items() if not name.startswith(PREPARED)})
        modules.append(module.to(DTYPES[work.precision]).eval())
    arrays = {name.removeprefix(PREPARED): part.numpy() for name, part in weights.items() if name.startswith(PREPARED)}
    prepared = Fitted.of(arrays) if arrays else None
    return Predictor(modules, data, DTYPES[work.precision], view, loss, work.loss, about["combine"], prepared)


def _stand_in(header: Mapping[str, str]) -> Data:
    """Data of the shape in a file's header, so that a model can be built without the task's data."""
    inputs, outputs = np.zeros((1, *json.loads(header["shape"])), header["inputs"]), int(header["outputs"])
    numbers = header["kind"] == "numbers"
    split = Split(inputs, np.zeros((1, outputs), np.float32) if numbers else np.zeros(1, np.int64))
    picture = tuple(json.loads(header["picture"])) if "picture" in header else None
    return Data(split, split, split, None if numbers else outputs, picture=picture)


def _fill(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy the weights into the module; tensors that are the same in every net (see Forward.state) are left out.

    Raises InputError where a trained weight is missing or a name is unknown.
    """
    trained, known = weights_of(module), {**weights_of(module), **rest_of(module)}
    if not trained.keys() <= weights.keys() <= known.keys():
        raise InputError(f"weights must be those of {sorted(trained)}, but got {sorted(weights)}")
    with torch.no_grad():
        for name, weight in weights.items():
            known[name].copy_(weight)
