"""The torch module of a pack, bundled or the user's own: building it, initialising it, and listing its tensors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from slalom.errors import InputError, quoted
from slalom.wire.seeds import derive
from slalom_worker.initializations.base import Fans
from slalom_worker.models import MODELS
from slalom_worker.models.fanned import Fanned
from slalom_worker.net.examples import in_precision
from slalom_worker.net.own_parts import check_parts
from slalom_worker.own_file import user_errors
from slalom_worker.regularizers import ChannelDropout, SlotDropout
from slalom_worker.tasks import OwnModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from slalom.wire.trial import Work
    from slalom_worker.initializations import Initialization
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data

DTYPES = {"float32": torch.float32, "float64": torch.float64}

DROPOUTS: Mapping[type[nn.Module], type[SlotDropout]] = {
    nn.Dropout: SlotDropout,
    nn.Dropout1d: ChannelDropout,
    nn.Dropout2d: ChannelDropout,
    nn.Dropout3d: ChannelDropout,
}
"""The replacements of torch's dropout layers."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A context in which torch's CPU generator starts from this seed; after it, the generator is as before.

    Only that generator is seeded: torch.manual_seed seeds all devices', and takes longer than building a small net.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def build_module(work: Work, data: Data, task: Task, seed: int) -> nn.Module:
    """One trial's module, from inputs [B, *shape] to outputs [B, k], its weights drawn from the seed.

    Dropout layers in it are replaced by SlotDropout, and lazy layers take their shapes from two training examples.
    Raises InputError where the module cannot be built, or is of a kind that a pack cannot train.
    """
    with seeded(seed):
        module = unseeded_module(work, data, task)
    with net_errors(task, "train() and to() of the net"):
        module = module.train().to(DTYPES[work.precision])
    if not weights_of(module):
        raise InputError("model: must have parameters to train, but has none that requires a gradient")
    return module


def initialise(module: nn.Module, scheme: Initialization, parameters: Mapping[str, Any], seed: int) -> None:
    """Draw the weights of linear and convolutional layers in place, by a scheme with these parameters.

    Frozen weights stay as they are, and weights that layers share are drawn once.
    """
    if scheme.draw is None:
        return
    generator = torch.Generator().manual_seed(derive(seed, "initialization"))
    drawn: set[int] = set()
    with torch.no_grad():
        for name, part in module.named_modules():
            if not isinstance(part, nn.Linear | nn.modules.conv._ConvNd | Fanned):
                continue
            if is_parametrized(part):
                raise InputError(
                    f"model: the weights of {name} ({type(part).__name__}) are computed from others, so that no "
                    f"initialization can draw them, got {parameters['scheme']}; leave it at fan_in"
                )
            views = list(_fans(part))
            if part.weight.requires_grad and id(part.weight) not in drawn:
                for weights, fans in views:
                    scheme.draw(weights, fans, generator, parameters)
            if part.bias is not None and part.bias.requires_grad and id(part.bias) not in drawn:
                if scheme.biases:
                    scheme.draw(part.bias, views[0][1], generator, parameters)
                else:
                    part.bias.zero_()
            drawn |= {id(part.weight), id(part.bias)}


def _fans(part: Any) -> Iterator[tuple[Tensor, Fans]]:
    """A layer's weights with their fans, whole, or part by part where the fans differ."""
    if isinstance(part, Fanned):
        yield from part.fans()
    else:
        yield part.weight, Fans(*nn.init._calculate_fan_in_and_fan_out(part.weight))


def weights_of(module: nn.Module) -> Mapping[str, Tensor]:
    """The trained parameters by name, in the order in which a pack lays them out; shared parameters occur once."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def rest_of(module: nn.Module) -> Mapping[str, Tensor]:
    """Frozen parameters and buffers by name, without dropout's masks."""
    frozen = {name: parameter for name, parameter in module.named_parameters() if not parameter.requires_grad}
    return {**frozen, **dict(module.named_buffers())}


def layers_of(module: nn.Module) -> Tensor:
    """The layer of each trained parameter [P], counted from 0.

    Layers are the modules with trained parameters of their own. A parameter that modules share belongs to the first
    module, and one that a weight is computed from (torch.nn.utils.parametrize) to the weight's module.
    """
    owners = {name: _owner(name) for name in weights_of(module)}
    numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners.values()))}
    return torch.cat([torch.full((p.numel(),), numbers[owners[name]]) for name, p in weights_of(module).items()])


def _owner(name: str) -> str:
    """The name of a parameter's layer, with a dot before: ".out" for "out.weight", "out.parametrizations.weight.0"."""
    path, *_ = f".{name}".split(".parametrizations.")
    return path if path != f".{name}" else path.rpartition(".")[0]


@contextmanager
def net_errors(task: Task, action: str) -> Iterator[None]:
    """A context that turns a net's exceptions into InputError, with file and line where the net is the user's."""
    file = _file(task)
    with user_errors(file, f"model: {action}" if file is None else f"{file}: model: {action}"):
        yield


def _file(task: Task) -> Any:
    """The user's file where the task is written in one."""
    return getattr(task, "file", None)


def unseeded_module(work: Work, data: Data, task: Task) -> nn.Module:
    """The module in float32, drawn from torch's generator as it is, with dropout layers replaced and lazy layers sized.

    Raises InputError where it cannot be built, or is of a kind that a pack cannot train.
    """
    module = _build(work, data, task)
    check_parts(module, DROPOUTS)
    module = _replace_dropout(module, {})
    if any(map(is_lazy, (*module.parameters(), *module.buffers()))):
        with user_errors(_file(task), "model: the first forward of a lazy layer"), torch.no_grad():
            module.eval()(in_precision(torch.tensor(data.train.inputs[:2]), torch.float32))
    return module


def _build(work: Work, data: Data, task: Task) -> nn.Module:
    structure = {name: value for name, value in work.model.items() if name != "name"}
    if not isinstance(task, OwnModel):
        return MODELS[work.model["name"]].build(data.net_shape, data.outputs, structure)
    module = task.model(**structure)
    if not isinstance(module, nn.Module):
        raise InputError(f"{work.task['name']}: model() must return a torch.nn.Module, but returned {quoted(module)}")
    return module


def _replace_dropout(module: nn.Module, known: dict[nn.Module, nn.Module]) -> nn.Module:
    """The module with every dropout layer replaced by SlotDropout, which draws from its trial's stream.

    known: the replacements so far, so that a layer which occurs in several places stays one layer
    """
    if module not in known:
        kind = DROPOUTS.get(type(module))
        known[module] = module if kind is None else kind(None, float(getattr(module, "p", 0.0)))
        for name, part in module._modules.items():  # named_children leaves out what comes a second time
            if part is not None:
                setattr(module, name, _replace_dropout(part, known))
    return known[module]
