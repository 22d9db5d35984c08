"""Probes a net in training and in evaluation on a few examples, before any trial, and names what breaks a rule.

A net that keeps the rules means in a pack what it means in torch: its outputs depend on its inputs, parameters and
buffers alone, and in evaluation a prediction depends on its own example alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from slalom.errors import InputError
from slalom_worker.net.drawing import Drawing
from slalom_worker.net.examples import in_precision
from slalom_worker.net.marks import check_itself, drawn_so_far, draws_noticed, marks_of
from slalom_worker.net.modules import net_errors, rest_of, weights_of
from slalom_worker.net.writes import Writes
from slalom_worker.regularizers import SlotDropout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from slalom_worker.net.batching import Batching
    from slalom_worker.net.drawing import Drawn
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data

ROUNDING = {torch.float32: 1e-4, torch.float64: 1e-9}
"""Tolerance between outputs that are computed in two ways, relative to the largest number."""


class Probed(NamedTuple):
    """What a forward in training showed.

    changing: names of the frozen parameters and buffers that change
    drawn: the calls of dropout functions in order
    idle: names of the trained parameters on which the outputs do not depend, so that torch gives them no gradient
    """

    changing: frozenset[str]
    drawn: Sequence[Drawn]
    idle: frozenset[str]


def probe(module: nn.Module, data: Data, task: Task, batching: Batching, dtype: torch.dtype) -> Probed:
    """Send training examples through the module, and note the mask shapes of its dropout layers.

    The module's tensors are restored afterwards.
    Raises InputError where the module raises, draws random numbers, changes its inputs, its parameters or itself,
    lets a prediction depend on other examples, or gives other outputs than [B, k].
    """
    inputs = in_precision(torch.tensor(data.train.inputs[:2]), dtype)
    kept = {name: tensor.detach().clone() for name, tensor in rest_of(module).items()}
    probed = _training(module, inputs[: batching.size], data, task)
    if batching.size_of(batching.steps - 1) == 1 and len(inputs) > 1:
        _restore(module, kept)
        with Drawing():
            when = "in training, as the epoch's last batch is (drop_last leaves it out),"
            _outputs(module, inputs[:1], data, task, when)
    if probed.drawn:
        _restore(module, kept)
        _check_drawn(module, torch.cat([inputs, inputs[:1]]), data, task, probed.drawn)
    _restore(module, kept)
    _evaluation(module.eval(), inputs, data, task)
    module.train()
    return probed


def check_unchanged(inputs: Tensor, version: int) -> None:
    """Raise InputError where a model has written to its inputs, so that their version is no longer `version`."""
    if inputs._version != version:
        raise InputError("model: changes its inputs in place, which all trials and lanes share; it must work on a copy")


def _training(module: nn.Module, inputs: Tensor, data: Data, task: Task) -> Probed:
    """Compare two forwards in training from the same buffers; InputError where one breaks a rule."""
    trained, rest = weights_of(module), rest_of(module)
    parameters = {name: part.detach().clone() for name, part in module.named_parameters()}
    before = {name: tensor.detach().clone() for name, tensor in rest_of(module).items()}
    calls: dict[SlotDropout, list[tuple[int, ...]]] = {
        part: [] for part in module.modules() if isinstance(part, SlotDropout)
    }
    names = {part: name for name, part in module.named_modules()}
    hooks = [
        part.register_forward_pre_hook(_noting(names[part], shapes, len(inputs)))
        for part, shapes in calls.items()
        if part.setting is not None or part.rate > 0
    ]
    marks = marks_of(module)
    drawing = Drawing(batch=len(inputs))
    writes = Writes({**trained, **rest})
    with drawing, writes:
        one = _outputs(module, inputs, data, task, "in training")
    _check_trained(module, trained)
    leaves = leaves_of(one)
    gradients = torch.autograd.grad(one.sum(), [*trained.values()], allow_unused=True)
    idle = frozenset(name for name, own in zip(trained, gradients, strict=True) if own is None)
    check_itself(marks, marks_of(module), caches=True)
    for hook in hooks:
        hook.remove()
    for part, shapes in calls.items():
        part.expect(shapes)
    for name, parameter in module.named_parameters():
        if not torch.equal(parameter, parameters[name]) or name in writes.written & trained.keys():
            raise InputError(f"model: changes its parameter {name} in forward; keep what forward changes in a buffer")
    changed = frozenset(
        name
        for name, tensor in rest_of(module).items()
        if tensor is not rest.get(name) or name in writes.written or not same(tensor, before.get(name))
    )
    if writes.looks:  # a later step may write to other buffers
        changed |= {name for name, _ in module.named_buffers()}
    _restore(module, before)
    marks = marks_of(module)
    with Drawing():
        other = _outputs(module, inputs, data, task, "in training")
    check_itself(marks, marks_of(module), caches=False)
    _check_registered(module, leaves, leaves_of(other))
    if not same(one, other):
        raise InputError("model: gives other outputs for the same inputs and weights; it must draw no numbers itself")
    return Probed(changed, drawing.calls, idle)


def _check_drawn(module: nn.Module, inputs: Tensor, data: Data, task: Task, drawn: Sequence[Drawn]) -> None:
    """Raise InputError where a dropout function gets something else than examples, such as weights."""
    drawing = Drawing(batch=len(inputs))
    with drawing:
        _outputs(module, inputs, data, task, "in training")
    if drawing.calls != list(drawn):
        raise InputError(
            "model: calls a function of dropout with what is not the examples along its first axis, whose mask would "
            "depend on the size of a batch; drop of the examples' numbers"
        )


def _evaluation(module: nn.Module, inputs: Tensor, data: Data, task: Task) -> None:
    before = {name: tensor.detach().clone() for name, tensor in rest_of(module).items()}
    marks = marks_of(module)
    with torch.no_grad():
        together = _outputs(module, inputs, data, task, "in evaluation")
        alone = torch.cat([_outputs(module, one, data, task, "in evaluation") for one in torch.split(inputs, 1)])
    check_itself(marks, marks_of(module), caches=True)
    for name, tensor in rest_of(module).items():
        if not same(tensor, before.get(name)):
            raise InputError(f"model: changes its buffer {name} in evaluation; it must do so in training alone")
    scale = together.abs().max().clamp(min=1.0)
    if not bool(((together - alone).abs() <= ROUNDING[together.dtype] * scale).all()) and together.isfinite().all():
        raise InputError(
            "model: predicts something else for an example beside another one than for the example alone; "
            "in evaluation a prediction must depend on its own example"
        )


def _outputs(module: nn.Module, inputs: Tensor, data: Data, task: Task, when: str) -> Tensor:
    """The outputs of a forward; InputError where they have a wrong shape or type, or depend on random numbers."""
    begin_forward(module)
    version = inputs._version
    drew: list[str] = []
    hooks = [hook for name, part in module.named_modules() for hook in _watch(part, name, drew)]
    try:
        with draws_noticed() as drawn, net_errors(task, f"forward on inputs of shape {tuple(inputs.shape)} {when}"):
            outputs = module(inputs)
            draws = drawn()
    finally:
        for hook in hooks:
            hook.remove()
    if draws:
        raise InputError(
            f"model: {drew[0] if drew else 'the net'} draws random numbers of its own {when}, or seeds a global "
            "generator, which would depend on the pack; use nn.Dropout layers, and dropout=0 where a layer of torch's "
            "has its own"
        )
    check_unchanged(inputs, version)
    _check_outputs(outputs, inputs, data, next(part.dtype for part in weights_of(module).values()))
    if outputs.requires_grad is False and torch.is_grad_enabled():
        raise InputError("model: its outputs depend on none of its trained parameters")
    found: Tensor = outputs
    return found


def _check_outputs(outputs: object, inputs: Tensor, data: Data, dtype: torch.dtype) -> None:
    if not isinstance(outputs, Tensor):
        raise InputError(f"model: must give a tensor [B, {data.outputs}], but gives a {type(outputs).__name__}")
    if tuple(outputs.shape) != (len(inputs), data.outputs):
        shape = tuple(outputs.shape)
        raise InputError(
            f"model: must give {data.outputs} outputs for each input, but gives {shape} for {len(inputs)} inputs"
        )
    if outputs.dtype != dtype:
        raise InputError(f"model: must give outputs of its parameters' type {dtype}, but gives {outputs.dtype}")


def _check_trained(module: nn.Module, trained: Mapping[str, Tensor]) -> None:
    """Raise InputError where a net changes in forward which parameters are trained."""
    for name, parameter in module.named_parameters():
        if parameter.requires_grad is not (name in trained):
            raise InputError(
                f"model: {'trains' if parameter.requires_grad else 'freezes'} its parameter {name} from a forward on; "
                "which parameters are trained must stay as model() gives them"
            )


def _check_registered(module: nn.Module, leaves: Sequence[Tensor], again: Sequence[Tensor]) -> None:
    """Raise InputError where outputs depend on parameters that are not registered, so that nothing would train them.

    leaves, again: the leaves (see leaves_of) of two forwards. Leaves in both are kept by the net; other leaves are made
    in a forward that takes a gradient by its inputs.
    """
    known = {id(parameter) for parameter in module.parameters()}
    kept = {id(leaf) for leaf in again}
    for leaf in leaves:
        if id(leaf) not in known and id(leaf) in kept:
            raise InputError(
                f"model: computes with a parameter of shape {tuple(leaf.shape)} that is not registered with it, so "
                "that nothing trains it; make it an nn.Parameter or a submodule of the net"
            )


def leaves_of(outputs: Tensor) -> list[Tensor]:
    """The leaf tensors with a gradient on which the outputs depend."""
    waiting: list[Any] = [outputs.grad_fn]
    seen: set[Any] = set()
    found = []
    while waiting:
        node = waiting.pop()
        if node in seen or node is None:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)
        if leaf is not None:
            found.append(leaf)
        waiting += [next_node for next_node, _ in node.next_functions]
    return found


def begin_forward(module: nn.Module) -> None:
    """Set the count of calls of every dropout layer to 0, as must be done before a forward."""
    for part in module.modules():
        if isinstance(part, SlotDropout):
            part.calls = 0


def _noting(name: str, shapes: list[tuple[int, ...]], size: int) -> Callable[[nn.Module, Any], None]:
    """A hook that notes the shape of one example's mask at each call of the dropout layer `name`, in a batch of `size`.

    The hook raises InputError where the examples do not lie along the first axis.
    """

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(layer, SlotDropout):
            if inputs[0].dim() < 1 or len(inputs[0]) != size:
                raise InputError(
                    f"{name or 'the net'} drops of inputs with examples along the first axis, {size} of them, but got "
                    f"{tuple(inputs[0].shape)}; layers of torch's take batch_first=True"
                )
            shapes.append(layer.shape_of(inputs[0]))

    return note


def _watch(part: nn.Module, name: str, drew: list[str]) -> Iterator[Any]:
    """Hooks that append a part's name to `drew`, innermost parts first, where its forward draws random numbers."""
    states: list[object] = []

    def before(_part: nn.Module, _inputs: Any) -> None:
        states.append(drawn_so_far())

    def after(_part: nn.Module, _inputs: Any, _outputs: Any) -> None:
        if states.pop() != drawn_so_far():
            drew.append(f"{name or 'the net'} ({type(part).__name__})")

    yield part.register_forward_pre_hook(before)
    yield part.register_forward_hook(after)


def _restore(module: nn.Module, kept: Mapping[str, Tensor]) -> None:
    """Set frozen parameters and buffers to these values again."""
    with torch.no_grad():
        for name, tensor in rest_of(module).items():
            if name in kept:
                tensor.copy_(kept[name])


def same(one: Tensor, other: Tensor | None) -> bool:
    """Whether two tensors have the same shape and numbers; NaN counts as equal to NaN."""
    if other is None or one.shape != other.shape:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())
