"""Notes which tensors a net's forward writes to, even if no number changes yet, and whether it reads numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from slalom_worker.program.looking import LOOKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Writes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context that notes the names of a net's tensors that are written to, and whether code reads numbers.

    Writes must be seen where no number changes: weights that a forward clips (`weight.clamp_()`,
    `weight.data.clamp_()`) are often within the bounds at first.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.written: set[str] = set()
        self.looks = False
        self._places: dict[int, set[str]] = {}
        for name, tensor in tensors.items():
            if tensor.numel():
                self._places.setdefault(tensor.untyped_storage().data_ptr(), set()).add(name)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Avoid the import of torch's compiler; see Tape."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Note which tensors the operation writes to, and run the operation."""
        named = kwargs or {}
        if str(func._schema.name).removeprefix("aten::") in LOOKING:
            self.looks = True
        if func._schema.is_mutable:
            for place, argument in enumerate(func._schema.arguments):
                if argument.alias_info is not None and argument.alias_info.is_write:
                    self._note(args[place] if place < len(args) else named.get(argument.name))
        return func(*args, **named)

    def _note(self, value: Any) -> None:
        for tensor in _tensors(value):
            self.written |= self._places.get(tensor.untyped_storage().data_ptr(), set())


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
