"""How a run ends its records, whatever ended the run."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

from slalom.errors import Interrupted, SlalomError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slalom.records.base import Recorder

CLOSE_SECONDS = 3.0
"""The time in which records that are under way at a Ctrl-C are finished; what is not, the next run writes."""


@contextmanager
def finished(recorder: Recorder) -> Iterator[None]:
    """A context that closes the recorder at its end, however that comes; after a Ctrl-C within CLOSE_SECONDS.

    A Ctrl-C may leave a lock held that the recorder's thread needs. The next run writes what is not on record then.
    """
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        closing = Thread(target=_close_quietly, args=[recorder], daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        raise
    except BaseException:
        recorder.close()
        raise
    recorder.close()


def _close_quietly(recorder: Recorder) -> None:
    with suppress(SlalomError):
        recorder.close()
