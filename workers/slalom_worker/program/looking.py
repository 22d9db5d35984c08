"""Detects code that reads the numbers it computes, as an `if` does, so that its next operations may depend on them."""

from __future__ import annotations

from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOKING = frozenset(("_local_scalar_dense", "equal", "is_nonzero", "masked_select", "nonzero"))
"""Torch operations by which code reads its numbers."""

LEAVING = frozenset(("numpy", "tolist", "__array__", "__dlpack__"))
"""Tensor methods by which numbers leave torch without an operation that a dispatch mode sees."""


@contextmanager
def leaving(tell: Callable[[str], object]) -> Iterator[None]:
    """A context that calls `tell` with the name of each LEAVING method that this thread uses within it.

    The methods are replaced meanwhile: a TorchFunctionMode would keep layers from their fast paths, so that other
    operations would be seen than are done without it.
    """
    mine = get_ident()
    known = {name: getattr(Tensor, name) for name in LEAVING}
    written = {name for name in LEAVING if name in vars(Tensor)}

    def telling(name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if get_ident() == mine:
                tell(name)
            return known[name](*given, **named)

        return call

    for name in LEAVING:
        setattr(Tensor, name, telling(name))
    try:
        yield
    finally:
        for name in LEAVING:
            if name in written:
                setattr(Tensor, name, known[name])
            else:
                delattr(Tensor, name)


class _Looking(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tell = tell

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Avoid the import of torch's compiler; see Tape."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = str(func._schema.name).removeprefix("aten::")
        if name in LOOKING:
            self._tell(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def looking(tell: Callable[[str], object]) -> Iterator[None]:
    """A context that calls `tell` with the name of each operation or method by which code reads its numbers."""
    with leaving(tell), _Looking(tell):
        yield
