"""A function over slots as a flat program: the function's tensor operations and nothing else.

`vmap`, `functional_call` and autograd cost a step of a small net more than its arithmetic. So a function is recorded
at two numbers of slots. Whole numbers that differ between the recordings are assumed to grow linearly with the slots,
which gives one program for any number of slots. What depends on no input is computed once for each number of slots.
The operations stay the same, and so do all results, bit for bit.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from slalom_worker.program.looking import leaving
from slalom_worker.program.tape import Call, Name, Tape, record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

aten = torch.ops.aten

SLOTS = (3, 5)
"""Numbers of slots of the two recordings. At 1 and 2 slots torch replaces some operations by others."""

CHECKED = 2
"""The number of slots at which a program is compared with its function."""

FILLED: dict[Any, Callable[..., Tensor]] = {
    aten.ones_like.default: torch.ones,
    aten.zeros_like.default: torch.zeros,
    aten.new_ones.default: torch.ones,
    aten.new_zeros.default: torch.zeros,
}
"""Operations whose result depends on a tensor's shape alone, and the torch function that makes the result."""

DIRECT: dict[Any, Callable[..., Any]] = {
    aten.view.default: Tensor.view,
    aten._unsafe_view.default: Tensor.view,
    aten.expand.default: Tensor.expand,
    aten.transpose.int: torch.transpose,
    aten.unsqueeze.default: torch.unsqueeze,
    aten.bmm.default: torch.bmm,
    aten.add.Tensor: torch.add,
    aten.mul.Tensor: torch.mul,
    aten.mul.Scalar: torch.mul,
    aten.tanh.default: torch.tanh,
    aten.neg.default: torch.neg,
    aten.sum.dim_IntList: torch.sum,
    aten.index_select.default: torch.index_select,
    aten.gather.default: torch.gather,
    aten.scatter_add.default: torch.scatter_add,
}
"""Python functions for operations: calling the function takes half the time of calling the operation."""


class NotTraceable(Exception):
    """The function's operations depend on the number of slots in a way that is not linear."""


class Program:
    """A recorded function: called with (slots, *tensors), it returns the list of tensors that the function returns."""

    def __init__(self, source: str, scope: dict[str, Any]) -> None:
        self.source = source
        exec(source, scope)  # noqa: S102 (our own text)
        self._prepare: Callable[[int], tuple[Tensor, ...]] = scope["prepare"]
        self._run: Callable[..., list[Tensor]] = scope["run"]
        self._slots = 0
        self._prepared: tuple[Tensor, ...] = ()

    @torch.inference_mode()
    def __call__(self, slots: int, *tensors: Tensor) -> list[Tensor]:
        """The function's results for this number of slots; the results cannot take part in autograd."""
        if slots != self._slots:
            self._slots, self._prepared = slots, self._prepare(slots)
        return self._run(slots, self._prepared, *tensors)


def trace(function: Callable[..., list[Tensor]], arguments: Callable[[int], Sequence[Tensor]]) -> Program | None:
    """The program of a function, or None where the function cannot be recorded.

    A function cannot be recorded where its operations depend on the number of slots other than linearly, or where the
    program's results differ from the function's at CHECKED slots. Exceptions of the function pass.

    arguments: gives example arguments of the function for a number of slots
    """
    recordings = [record(function, arguments(slots)) for slots in SLOTS]
    wanted = function(*arguments(CHECKED))
    try:
        program = _merge(*recordings)
        found = program(CHECKED, *arguments(CHECKED))
    except (NotTraceable, RuntimeError):  # torch raises RuntimeError where shapes do not fit at another number of slots
        return None
    return program if all(map(torch.equal, found, wanted)) else None


def operations(function: Callable[..., list[Tensor]], arguments: Sequence[Tensor]) -> set[str]:
    """The names of a function's tensor operations, such as "bmm" and "sigmoid", its backward's included.

    The names of methods by which numbers leave torch, such as "tolist", are among them.
    """
    found: set[str] = set()
    with leaving(found.add):
        tape, _ = record(function, arguments)
    return found | {call.word for call in tape.calls}


def _merge(one: tuple[Tape, list[str]], other: tuple[Tape, list[str]]) -> Program:
    """The program of two recordings; NotTraceable where they differ other than linearly in the slots."""
    (a, results), (b, again) = one, other
    if results != again or len(a.calls) != len(b.calls) or a.constants.keys() != b.constants.keys():
        raise NotTraceable
    if not all(torch.equal(constant, b.constants[name]) for name, constant in a.constants.items()):
        raise NotTraceable
    # a tensor that is changed in place must be made anew in every run
    writer = _Writer(dict(a.constants), ahead=not any(call.mutates for call in a.calls))
    needed = _needed(a.calls, results)
    for pair in zip(a.calls, b.calls, strict=True):
        if needed.intersection(pair[0].names):
            writer.add(*pair)
    return writer.program(a.inputs, results)


def _needed(calls: Sequence[Call], results: Sequence[str]) -> set[str | None]:
    """Names of the tensors that the results depend on; every name, where an operation changes another's output."""
    if any(call.mutates for call in calls):
        return {name for call in calls for name in call.names}
    needed: set[str | None] = set(results)
    for call in reversed(calls):
        if needed.intersection(call.names) and call.operation not in FILLED:
            needed.update(call.inputs)
    return needed


class _Writer:
    """Writes a program's two functions: `prepare`, for what depends on no input, and `run`, for the rest.

    ahead: whether anything may be computed in `prepare`
    """

    def __init__(self, scope: dict[str, Any], *, ahead: bool) -> None:
        self.scope = scope
        self.ahead = ahead
        self.early: list[str] = []
        self.late: list[str] = []
        self.fixed: set[str] = set()
        self.kept: list[str] = []

    def program(self, inputs: Sequence[str], results: Sequence[str]) -> Program:
        self._keep(results)
        kept = "".join(f"{name}, " for name in self.kept)
        unpack = [f"({kept}) = prepared"] if kept else []
        prepare = _function("prepare(slots)", [*self.early, f"return ({kept})"])
        head = ", ".join(["run(slots", "prepared", *inputs]) + ")"
        return Program(prepare + _function(head, [*unpack, *self.late, f"return [{', '.join(results)}]"]), self.scope)

    def add(self, a: Call, b: Call) -> None:
        if a.operation is not b.operation or a.names != b.names or a.named.keys() != b.named.keys():
            raise NotTraceable
        if a.operation in FILLED:
            call = FILLED[a.operation]
            arguments = [self._text(tuple(a.outputs[0].shape), tuple(b.outputs[0].shape))]
            named = {"dtype": self._value(a.outputs[0].dtype), "device": self._value(a.outputs[0].device)}
        else:
            call = DIRECT.get(a.operation, a.operation)
            arguments = [self._text(x, y) for x, y in zip(a.arguments, b.arguments, strict=True)]
            named = {name: self._text(value, b.named[name]) for name, value in a.named.items()}
        names = [name or "_" for name in a.names]
        target = names[0] if a.single else f"({', '.join(names)},)"
        given = ", ".join([*arguments, *(f"{name}={text}" for name, text in named.items())])
        line = f"{target} = {self._value(call, a.word)}({given})"
        if self.ahead and (a.operation in FILLED or (a.inputs and self.fixed.issuperset(a.inputs))):
            self.fixed.update(names)
            self.early.append(line)
        else:
            self._keep(a.inputs)
            self.late.append(line)

    def _keep(self, names: Sequence[str]) -> None:
        """Have `prepare` pass the tensors of these names, where it computes them, to `run`."""
        self.kept += [name for name in names if name in self.fixed and name not in self.kept]

    def _value(self, value: Any, word: str = "value") -> str:
        name = f"{word}_{len(self.scope)}"
        self.scope[name] = value
        return name

    def _text(self, a: Any, b: Any) -> str:
        """The source text of an argument that is a in the first recording and b in the second."""
        if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
            return f"[{', '.join(self._text(x, y) for x, y in zip(a, b, strict=True))}]"
        if type(a) is int and type(b) is int and a != b:
            return _linear(a, b)
        if a != b and (a == a or b == b):  # not both NaN
            raise NotTraceable
        if isinstance(a, Name):
            return a.text
        if isinstance(a, float) and not isfinite(a):
            return self._value(a)  # Python has no literal for it, as in a mask of -inf
        return repr(a) if a is None or isinstance(a, bool | int | float | str) else self._value(a)


def _linear(a: int, b: int) -> str:
    """The source text of a whole number that is `a` at SLOTS[0] slots and `b` at SLOTS[1]."""
    factor, rest = divmod(b - a, SLOTS[1] - SLOTS[0])
    if rest:
        raise NotTraceable
    return f"{factor} * slots + {a - factor * SLOTS[0]}".removeprefix("1 * ").removesuffix(" + 0")


def _function(head: str, body: Sequence[str]) -> str:
    return "\n    ".join([f"def {head}:", *body]) + "\n"
