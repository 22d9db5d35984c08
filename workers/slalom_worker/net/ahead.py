"""Results that a thread computes while the one before is in use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The function's result for each item, in order; the next one is computed by a thread of its own meanwhile.

    No more than two results exist at once, unless who asks keeps them. What the function raises is raised here.
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
