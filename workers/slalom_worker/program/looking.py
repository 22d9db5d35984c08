"""Seeing where code looks at the numbers that it computes, as an `if` does: what it does next may depend on them."""

from __future__ import annotations

from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOKING = frozenset(("_local_scalar_dense", "equal", "is_nonzero", "masked_select", "nonzero"))
"""Operations of torch by which code looks at its numbers."""

LEAVING = frozenset(("numpy", "tolist", "__array__", "__dlpack__"))
"""Methods of tensors by which numbers leave torch, unseen by its operations."""


@contextmanager
def leaving(tell: Callable[[str], object]) -> Iterator[None]:
    """A context that calls a function with the name of each method of LEAVING that this thread uses in it.

    The methods are replaced for its time: a mode for torch's functions would keep layers from their fast paths, so that
    other operations were seen than are done without it.
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
        """As a tape: without the import of torch's compiler."""
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
    """A context that calls a function with the name of all by which code looks at its numbers."""
    with leaving(tell), _Looking(tell):
        yield
