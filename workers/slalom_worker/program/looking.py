"""Seeing where code looks at the numbers that it computes, as an `if` does: what it does next may depend on them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOKING = frozenset(("_local_scalar_dense", "equal", "is_nonzero", "masked_select", "nonzero"))
"""Operations of torch by which code looks at its numbers."""

LEAVING = frozenset(("numpy", "tolist", "__array__", "__dlpack__"))
"""Methods of tensors by which numbers leave torch, unseen by its operations."""


class Leaving(TorchFunctionMode):
    """A context that calls a function with the name of each method of LEAVING that is used in it."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()
        self._tell = tell

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function."""
        name = getattr(func, "__name__", "")
        if name in LEAVING:
            self._tell(name)
        return func(*args, **(kwargs or {}))


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
    with Leaving(tell), _Looking(tell):
        yield
