"""The torch module of a pack, bundled or the user's own: building, checking and initialising it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from slalom.errors import InputError
from slalom.wire.seeds import derive
from slalom.wire.trial import Work
from slalom_worker.initializations.base import Fans
from slalom_worker.models import MODELS
from slalom_worker.net.examples import in_precision
from slalom_worker.regularizers import SlotDropout
from slalom_worker.tasks import OwnModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from slalom.wire.trial import Settings
    from slalom_worker.initializations import Initialization
    from slalom_worker.tasks.data import Data, Task

DTYPES = {"float32": torch.float32, "float64": torch.float64}

RUNNING_STATISTICS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


def build_module(work: Work, data: Data, task: Task, seed: int) -> nn.Module:
    """One trial's module, from inputs [B, *shape] to outputs [B, k], its weights drawn from the seed.

    Every nn.Dropout in it is replaced by SlotDropout. Raises InputError where the module cannot be built or keeps
    running statistics.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = _build(work, data, task)
    module = _replace_dropout(module).to(DTYPES[work.precision])
    for name, part in module.named_modules():
        if isinstance(part, RUNNING_STATISTICS) and part.track_running_stats:
            raise InputError(
                f"model: {name} ({type(part).__name__}) keeps running statistics, which trials of one pack "
                "would share; use LayerNorm or GroupNorm, or track_running_stats=False"
            )
    return module


def probe(module: nn.Module, data: Data, dtype: torch.dtype) -> None:
    """Send two training examples through the module, and set the shapes of its dropout layers.

    Raises InputError where the module fails, draws random numbers, changes its inputs, or gives outputs of another
    shape than [2, k].
    """
    hooks = [part.register_forward_pre_hook(_note_shape) for part in module.modules() if isinstance(part, SlotDropout)]
    inputs = in_precision(torch.tensor(data.train.inputs[:2]), dtype)
    before, version = torch.get_rng_state(), inputs._version
    try:
        with torch.no_grad():
            outputs = module(inputs)
    except (RuntimeError, TypeError, ValueError) as exc:
        raise InputError(f"model: fails on inputs of shape {tuple(inputs.shape)}: {exc}") from exc
    finally:
        for hook in hooks:
            hook.remove()
    if not torch.equal(torch.get_rng_state(), before):
        raise InputError(
            "model: draws random numbers of its own, which would depend on the pack; use nn.Dropout layers"
        )
    check_unchanged(inputs, version)
    if tuple(outputs.shape) != (len(inputs), data.outputs):
        shape = tuple(outputs.shape)
        raise InputError(f"model: must give {data.outputs} outputs for each input, but gives {shape} for {len(inputs)}")


def check_unchanged(inputs: Tensor, version: int) -> None:
    """Raise InputError where a model has written to its inputs: torch's count of writes is no longer `version`."""
    if inputs._version != version:
        raise InputError("model: changes its inputs in place, which all trials and lanes share; it must work on a copy")


def initialise(module: nn.Module, scheme: Initialization, parameters: Mapping[str, Any], seed: int) -> None:
    """Draw the weights of linear and convolutional layers in place, by a scheme with these parameters."""
    if scheme.draw is None:
        return
    generator = torch.Generator().manual_seed(derive(seed, "initialization"))
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Linear | nn.modules.conv._ConvNd):
                fans = Fans(*nn.init._calculate_fan_in_and_fan_out(part.weight))
                scheme.draw(part.weight, fans, generator, parameters)
                if part.bias is not None and scheme.biases:
                    scheme.draw(part.bias, fans, generator, parameters)
                elif part.bias is not None:
                    part.bias.zero_()


def own_layers(settings: Settings, data: Data, task: Task) -> int:
    """The number of layers with weights in a task's own model; InputError where it cannot be built."""
    module = build_module(Work(settings, {"name": "task"}, None), data, task, seed=0)
    return int(layers_of(module).max()) + 1


def layers_of(module: nn.Module) -> Tensor:
    """The layer of each parameter [P], counted from 0; layers are the modules with parameters of their own."""
    owners = [part for part in module.modules() if next(part.parameters(recurse=False), None) is not None]
    return torch.cat([torch.full((p.numel(),), n) for n, part in enumerate(owners) for p in part.parameters(False)])


def _build(work: Work, data: Data, task: Task) -> nn.Module:
    structure = {name: value for name, value in work.model.items() if name != "name"}
    if not isinstance(task, OwnModel):
        return MODELS[work.model["name"]].build(data.shape, data.outputs, structure)
    module = task.model(**structure)
    if not isinstance(module, nn.Module):
        raise InputError(f"{work.task['name']}: model() must return a torch.nn.Module, but returned {module!r}")
    return module


def _replace_dropout(module: nn.Module) -> nn.Module:
    """The module with every nn.Dropout replaced by SlotDropout, which draws from its trial's stream."""
    if isinstance(module, nn.Dropout):
        return SlotDropout(None, module.p)
    for name, part in module.named_children():
        setattr(module, name, _replace_dropout(part))
    return module


def _note_shape(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    if isinstance(module, SlotDropout):
        module.shape = tuple(inputs[0].shape[1:])


def weights_of(module: nn.Module) -> Mapping[str, Tensor]:
    """The module's parameters by name, in the order in which a pack lays them out."""
    return dict(module.named_parameters())
