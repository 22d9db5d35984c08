"""Computes the next result in a thread while the one before is in use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The function's result for each item, in order; while one result is in use, a thread computes the next.

    At most two results exist at once, unless the caller keeps them. Exceptions of the function are raised here.
    """
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = None
        for item in items:
            submitted = thread.submit(function, item)
            if coming is not None:
                yield coming.result()
            coming = submitted
        if coming is not None:
            yield coming.result()
