"""Recording the tensor operations of a function while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    TensorKey = tuple[object, ...]


@dataclass(frozen=True)
class Name:
    """The name of a tensor, which stands for the tensor among an operation's arguments."""

    text: str


@dataclass(frozen=True)
class Call:
    """One recorded operation.

    operation: the torch operation that was called
    arguments, named: its positional and named arguments, with a Name in place of each tensor
    names: the outputs' names, None for an output that is not a tensor
    outputs: what the operation returned, as a tuple
    single: whether it returned one tensor or number, not a tuple
    """

    operation: Any
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    names: tuple[str | None, ...]
    outputs: tuple[Any, ...]
    single: bool

    @property
    def word(self) -> str:
        """The operation's plain name, such as "bmm"."""
        return str(self.operation._schema.name).removeprefix("aten::")

    @property
    def mutates(self) -> bool:
        """Whether the operation changes one of its arguments."""
        return bool(self.operation._schema.is_mutable)

    @property
    def inputs(self) -> list[str]:
        """Names of the tensors among the arguments."""
        found: list[str] = []
        _collect([*self.arguments, *self.named.values()], found)
        return found


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context that records every operation below vmap and autograd, except one that returns a tensor already named.

    Tensors are told apart by their memory and layout, so detached copies, views of the same shape, and a transpose of a
    transpose have the name of the tensor they come from.

    calls: the operations so far
    inputs: names of the inputs
    constants: by name, tensors that are neither inputs nor outputs of an operation
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self.constants: dict[str, Tensor] = {}
        self.inputs = [f"input{number}" for number in range(len(inputs))]
        self._names: dict[TensorKey, str] = {}
        self._alive: list[Any] = []  # memory that is freed could be reused by another tensor
        for name, tensor in zip(self.inputs, inputs, strict=True):
            self._names.setdefault(_key(tensor), name)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Avoid the import of torch's compiler, which takes longer than a small study's training."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation and record it."""
        arguments, named = self._named(args), self._named(kwargs or {})
        result = func(*args, **(kwargs or {}))
        self._alive += [args, kwargs, result]
        single = not isinstance(result, list | tuple)
        outputs = (result,) if single else tuple(result)
        if func._schema.is_mutable or not (isinstance(result, Tensor) and _key(result) in self._names):
            names = tuple(self._new(output) for output in outputs)
            self.calls.append(Call(func, arguments, named, names, outputs, single))
        return result

    def name(self, tensor: Tensor) -> str:
        """The name of a tensor; a tensor that is neither input nor output of an operation becomes a constant."""
        key = _key(tensor)
        if key not in self._names:
            self._names[key] = f"constant{len(self.constants)}"
            self.constants[self._names[key]] = tensor
            self._alive.append(tensor)
        return self._names[key]

    def _new(self, output: Any) -> str | None:
        if not isinstance(output, Tensor):
            return None
        return self._names.setdefault(_key(output), f"value{len(self._names)}")

    def _named(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return Name(self.name(value))
        if isinstance(value, dict):
            return {name: self._named(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return tuple(map(self._named, value))
        return value


def record(function: Callable[..., Sequence[Tensor]], inputs: Sequence[Tensor]) -> tuple[Tape, list[str]]:
    """Run the function with these inputs: the tape of its operations, and the names of its results."""
    tape = Tape(inputs)
    with tape:
        results = function(*inputs)
    return tape, [tape.name(result) for result in results]


def _key(tensor: Tensor) -> TensorKey:
    """A key for the tensor's memory and layout; a tensor without elements has no memory, so its key is its id."""
    if not tensor.numel():
        return (id(tensor),)
    place = tensor.untyped_storage().data_ptr(), tensor.storage_offset()
    return (
        *place,
        tensor.shape,
        tensor.stride(),
        tensor.dtype,
        torch.is_complex(tensor),
        tensor.is_conj(),
        tensor.is_neg(),
    )


def _collect(value: Any, found: list[str]) -> None:
    if isinstance(value, Name):
        found.append(value.text)
    elif isinstance(value, list | tuple):
        for part in value:
            _collect(part, found)
