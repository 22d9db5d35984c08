"""What a run's process has imported, kept out of Python's garbage collections while the run lasts.

Optuna, MLflow and SQLAlchemy are half a million objects that stay. A collection of the oldest generation goes through
all of them, for a quarter of a second, and studies whose trials end by the hundred cause one again and again.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slalom.loop.progress import Progress


@contextmanager
def imports_spared(watch: Callable[[Progress], None]) -> Iterator[Callable[[Progress], None]]:
    """Gives a `watch` that passes progress on, and from the first trial on spares what lives then, until the end.

    By then all is imported that a run needs before its end. Where the user's program has objects spared already,
    nothing is changed, since Python can only take all of them back.
    """
    others, mine = gc.get_freeze_count() > 0, False

    def watched(progress: Progress) -> None:
        nonlocal mine
        if progress.trials and not (mine or others):
            gc.freeze()
            mine = True
        watch(progress)

    try:
        yield watched
    finally:
        if mine:
            gc.unfreeze()
