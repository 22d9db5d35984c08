"""Refuses parts of a net that no pack can train, by name, before the net is tried."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from slalom.errors import InputError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

REAL = (torch.float32, torch.float64)
"""The types that a net's real numbers may have; they are converted to the study's precision."""

LISTS = (nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)

HOOKS = {
    "_backward_hooks": "register_hook",
    "_post_accumulate_grad_hooks": "register_post_accumulate_grad_hook",
}
"""Attributes in which a parameter keeps hooks on its gradient, and the method that registers each."""


def check_parts(module: nn.Module, replaced: Mapping[type[nn.Module], object]) -> None:
    """Raise InputError, with the name, where a net has a part or a tensor that a pack cannot train as torch does.

    replaced: the types of layers that a pack replaces with its own
    """
    for name, part in module.named_modules():
        for rule in (*_of_kind(part), *_kept(part)):
            raise InputError(f"model: {name or 'the net'} ({type(part).__name__}) {rule}")
        if type(part) in replaced and any(_hooks(part)):
            raise InputError(
                f"model: {name or 'the net'} ({type(part).__name__}) has a hook, which the layer that draws a trial's "
                "own masks in its place does not call; put the hook at another layer"
            )
    tensors = {
        name: tensor for name, tensor in (*module.named_parameters(), *module.named_buffers()) if not is_lazy(tensor)
    }
    for name, tensor in tensors.items():
        _check_type(name, tensor)
        for kept, register in HOOKS.items():
            if isinstance(tensor, nn.Parameter) and getattr(tensor, kept, None):
                raise InputError(
                    f"model: {name} has a hook on its gradient ({register}), which a pack does not call; change the "
                    "numbers in forward, as by a mask in a buffer"
                )
    _check_memory(tensors)


def _of_kind(part: nn.Module) -> Iterator[str]:
    """What a pack cannot train about this kind of part, in a message's words."""
    if isinstance(part, torch.jit.ScriptModule):
        yield "is scripted, so that nobody can give it a trial's weights; give the plain module"
    if type(part).__name__ == "OptimizedModule":  # of torch._dynamo, which takes seconds to import
        yield "is compiled, which a pack does itself and for all its trials; give the plain module"
    if isinstance(part, nn.modules.batchnorm._BatchNorm) and not part.track_running_stats:
        yield (
            "keeps no running statistics, so that a prediction would depend on the other examples of its batch; leave "
            "track_running_stats at True"
        )
    if part._backward_hooks or part._backward_pre_hooks:
        yield "has a hook on its gradient (register_full_backward_hook), which a pack does not call; leave it out"
    if isinstance(part, nn.Embedding | nn.EmbeddingBag):
        if part.sparse:
            yield "has sparse gradients, which a pack does not stack; leave sparse at False"
        if part.max_norm is not None:
            yield "changes its weight in forward (max_norm), so that it would not be what is trained; leave it out"


def _kept(part: nn.Module) -> Iterator[str]:
    """What a pack cannot train about a part's attributes, in a message's words."""
    for key, value in vars(part).items():
        if key[0] != "_" and _holds_layers(value) and not isinstance(part, LISTS):
            yield (
                f"keeps layers or parameters in the plain list or dict {quoted(key)}, where nothing trains them; use "
                "nn.ModuleList, nn.ModuleDict, nn.ParameterList or nn.ParameterDict"
            )


def _hooks(part: nn.Module) -> Iterator[object]:
    """A part's hooks on its forward."""
    yield from (getattr(part, f"_{kind}_hooks") for kind in ("forward", "forward_pre"))


def _holds_layers(value: object) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(isinstance(part, nn.Module | nn.Parameter) for part in parts)


def _check_type(name: str, tensor: Tensor) -> None:
    if tensor.is_complex() or (tensor.is_floating_point() and tensor.dtype not in REAL):
        hint = "; keep torch.view_as_real of it, and take torch.view_as_complex in forward" * tensor.is_complex()
        raise InputError(
            f"model: {name} must be of float32 or float64, which the study's precision makes alike, but is of "
            f"{str(tensor.dtype).removeprefix('torch.')}{hint}"
        )


def _check_memory(tensors: Mapping[str, Tensor]) -> None:
    """Raise InputError where a trained parameter shares memory with another tensor, so that torch would change both."""
    places: dict[int, list[tuple[str, Tensor]]] = {}
    for name, tensor in tensors.items():
        if tensor.numel() and not tensor.is_meta:
            places.setdefault(tensor.untyped_storage().data_ptr(), []).append((name, tensor))
    for together in places.values():
        for (name, one), (other_name, other) in combinations(together, 2):
            if (one.requires_grad or other.requires_grad) and _overlap(one, other):
                raise InputError(
                    f"model: {other_name} lies in the memory of {name}, so that torch changes both at once, and a pack "
                    f"does not; share the parameter itself ({other_name} = {name}), or clone it"
                )


def _overlap(one: Tensor, other: Tensor) -> bool:
    """Whether the ranges of two tensors in one storage overlap, so that they may share numbers."""
    begin, end = _range(one)
    other_begin, other_end = _range(other)
    return max(begin, other_begin) < min(end, other_end)


def _range(tensor: Tensor) -> tuple[int, int]:
    """The first byte of a tensor in its storage, and the byte after its last."""
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    begin = int(tensor.storage_offset()) * tensor.element_size()
    return begin, begin + (last + 1) * tensor.element_size()
