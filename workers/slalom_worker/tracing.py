"""A function over slots as a flat program: its tensor operations and nothing else.

`vmap`, `functional_call` and autograd cost a step of a small net more than its arithmetic. So a function is traced
at two numbers of slots; whole numbers in which the traces differ grow linearly with the slots, which gives one program
for any number of them. What needs no input is computed once for each number. The operations stay the same, and so do
all results, bit for bit.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx
from torch.fx.experimental.proxy_tensor import make_fx

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

aten = torch.ops.aten

SLOTS = (3, 5)
"""Slots of the two traces: at 1 and 2 some operations are traced as others."""

CHECKED = 2
"""Slots at which a program is compared with its function."""

RENAMES = frozenset({aten.view.default, aten._unsafe_view.default, aten.expand.default})
SHAPED = frozenset({aten.ones_like.default, aten.zeros_like.default, aten.new_zeros.default, aten.new_ones.default})

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
"""Python's own way to an operation, which is found in half the time."""


class NotTraceable(Exception):
    """The function's operations depend on the number of slots in a way that is not linear."""


class Program:
    """A traced function: (slots, *tensors) -> list of tensors, the same as the function gives."""

    def __init__(self, source: str, scope: dict[str, Any]) -> None:
        self.source = source
        exec(source, scope)  # noqa: S102 (our own text)
        self._prepare: Callable[[int], tuple[Tensor, ...]] = scope["prepare"]
        self._run: Callable[..., list[Tensor]] = scope["run"]
        self._slots = 0
        self._prepared: tuple[Tensor, ...] = ()

    @torch.inference_mode()
    def __call__(self, slots: int, *tensors: Tensor) -> list[Tensor]:
        """The function's results; they cannot take part in autograd."""
        if slots != self._slots:
            self._slots, self._prepared = slots, self._prepare(slots)
        return self._run(slots, self._prepared, *tensors)


def trace(function: Callable[..., list[Tensor]], arguments: Callable[[int], Sequence[Tensor]]) -> Program | None:
    """The program of a function that takes tensors for so many slots; None where there is none.

    arguments: examples for a number of slots
    """
    try:
        program = Program(*_merge(*(_simplified(make_fx(function)(*arguments(slots))) for slots in SLOTS)))
        found = program(CHECKED, *arguments(CHECKED))
    except (NotTraceable, RuntimeError, TypeError):
        return None
    wanted = function(*arguments(CHECKED))
    return program if all(map(torch.equal, found, wanted)) else None


def _simplified(module: fx.GraphModule) -> fx.GraphModule:
    """The graph without what changes neither numbers nor shapes."""
    graph = module.graph
    if not any(_mutates(node) for node in graph.nodes):
        for node in graph.nodes:
            if node.target in SHAPED:
                node.args = ()  # its shape is all that matters
            same = _same(node)
            if same is not None:
                node.replace_all_uses_with(same)
        graph.eliminate_dead_code()
    return module


def _mutates(node: fx.Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def _same(node: fx.Node) -> fx.Node | None:
    """An earlier node with the same elements in the same order, if there is one."""
    first = node.args[0] if node.args else None
    if not isinstance(first, fx.Node):
        return None
    if node.target is aten.detach.default:
        return first
    if node.target in RENAMES and _shape(node) == _shape(first):
        return first
    if node.target is aten.mul.Scalar and node.args[1] == 1 and not isinstance(node.args[1], bool):
        return first
    if node.target is aten.transpose.int and first.target is aten.transpose.int and _turned(node, first):
        return first.args[0] if isinstance(first.args[0], fx.Node) else None
    return None


def _turned(node: fx.Node, first: fx.Node) -> bool:
    """Whether the second transpose undoes the first."""
    rank = len(_shape(node))
    one, other = ({axis % rank for axis in turn.args[1:] if isinstance(axis, int)} for turn in (node, first))
    return one == other


def _shape(node: fx.Node) -> torch.Size:
    shape: torch.Size = node.meta["val"].shape
    return shape


def _merge(one: fx.GraphModule, other: fx.GraphModule) -> tuple[str, dict[str, Any]]:
    """Source and scope of the program whose traces these are."""
    pairs = list(zip(one.graph.nodes, other.graph.nodes, strict=False))
    if len(one.graph.nodes) != len(other.graph.nodes) or any(
        a.target != b.target for a, b in pairs if a.op != "placeholder"
    ):
        raise NotTraceable
    return _Writer(one, other).write(pairs)


class _Writer:
    """Writes a program's two functions: what needs no input, and the rest."""

    def __init__(self, one: fx.GraphModule, other: fx.GraphModule) -> None:
        self.one, self.other = one, other
        self.scope: dict[str, Any] = {}
        self.inputs: list[str] = []
        self.early: list[str] = []
        self.late: list[str] = []
        self.fixed: set[fx.Node] = set()

    def write(self, pairs: Sequence[tuple[fx.Node, fx.Node]]) -> tuple[str, dict[str, Any]]:
        for a, b in pairs:
            self._node(a, b)
        kept = "".join(f"{node.name}, " for node in self.fixed if any(user not in self.fixed for user in node.users))
        unpack = [f"({kept}) = prepared"] if kept else []
        return (
            _function("prepare(slots)", [*self.early, f"return ({kept})"])
            + _function(", ".join(["run(slots", "prepared", *self.inputs]) + ")", [*unpack, *self.late]),
            self.scope,
        )

    def _node(self, a: fx.Node, b: fx.Node) -> None:
        match a.op:
            case "placeholder":
                self.inputs.append(a.name)
            case "get_attr":
                self._constant(a, b)
            case "output":
                self.late.append(f"return {self._text(list(a.args[0]), list(b.args[0]))}")  # type: ignore[arg-type]
            case _:
                self._call(a, b)

    def _constant(self, a: fx.Node, b: fx.Node) -> None:
        held, again = (getattr(module, str(node.target)) for module, node in ((self.one, a), (self.other, b)))
        if not torch.equal(held, again):
            raise NotTraceable
        self.scope[a.name] = held

    def _call(self, a: fx.Node, b: fx.Node) -> None:
        if a.target is operator.getitem:
            line = f"{a.name} = {self._text(a.args[0], b.args[0])}[{self._text(a.args[1], b.args[1])}]"
        elif a.target in SHAPED:
            self.fixed.add(a)
            fill = torch.ones if "ones" in str(a.target) else torch.zeros
            line = self._line(a, fill, [self._text(list(_shape(a)), list(_shape(b)))], self._kind(a))
        else:
            if not _mutates(a) and a.all_input_nodes and self.fixed.issuperset(a.all_input_nodes):
                self.fixed.add(a)
            arguments = [self._text(x, y) for x, y in zip(a.args, b.args, strict=True)]
            named = {name: self._text(value, b.kwargs[name]) for name, value in a.kwargs.items()}
            line = self._line(a, DIRECT.get(a.target, a.target), arguments, named)
        (self.early if a in self.fixed else self.late).append(line)

    def _kind(self, node: fx.Node) -> dict[str, str]:
        self.scope[f"{node.name}_dtype"] = node.meta["val"].dtype
        self.scope[f"{node.name}_device"] = node.meta["val"].device
        return {"dtype": f"{node.name}_dtype", "device": f"{node.name}_device"}

    def _line(self, node: fx.Node, call: Any, arguments: list[str], named: dict[str, str]) -> str:
        self.scope[f"{node.name}_call"] = call
        return f"{node.name} = {node.name}_call({', '.join([*arguments, *(f'{k}={v}' for k, v in named.items())])})"

    def _text(self, a: Any, b: Any) -> str:
        """An argument as source, from what it is in the two traces."""
        if isinstance(a, fx.Node):
            if not isinstance(b, fx.Node):
                raise NotTraceable
            return a.name
        if isinstance(a, list | tuple):
            if len(a) != len(b):
                raise NotTraceable
            return f"[{', '.join(self._text(x, y) for x, y in zip(a, b, strict=True))}]"
        if type(a) is int and type(b) is int and a != b:
            return _linear(a, b)
        if a != b:
            raise NotTraceable
        if a is None or isinstance(a, bool | int | float | str):
            return repr(a)
        name = f"value_{len(self.scope)}"
        self.scope[name] = a
        return name


def _linear(a: int, b: int) -> str:
    """The whole number that is `a` at the first number of slots and `b` at the second."""
    factor, rest = divmod(b - a, SLOTS[1] - SLOTS[0])
    if rest:
        raise NotTraceable
    return f"{factor} * slots + {a - factor * SLOTS[0]}".removeprefix("1 * ").removesuffix(" + 0")


def _function(head: str, body: Sequence[str]) -> str:
    return "\n    ".join([f"def {head}:", *body]) + "\n"
