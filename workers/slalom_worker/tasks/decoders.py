"""Processes that decode pictures: one for each processor, each with one piece of work at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

from slalom.errors import Infrastructure
from slalom_worker.tasks.pieces import Answer, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMAND = (sys.executable, "-m", "slalom_worker.tasks.decoding")
END_SECONDS = 10.0


class Decoder:
    """A context with a process that decodes pieces, one after the other; it ends with the context or this process.

    It is not a process of `multiprocessing`, which would import a user's script once more.
    """

    def __enter__(self) -> Self:
        paths = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter)
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the other
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=END_SECONDS)

    def decode(self, piece: Piece) -> Answer:
        """Have the process decode a piece; Infrastructure where that fails, or the process has ended."""
        try:
            print(json.dumps(asdict(piece)), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline() if self._process.stdout is not None else ""
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait(END_SECONDS)
            raise Infrastructure(
                f"a process that decodes pictures ended with exit code {code} among {piece.paths[0]} and the "
                f"{len(piece.paths) - 1} pictures after it; was it killed for want of memory?"
            )
        answer = Answer(**json.loads(line))
        if answer.failed:
            raise Infrastructure(answer.failed)
        return answer


def with_decoders(work: Callable[[int, Callable[[Piece], Answer]], None], numbers: Sequence[int]) -> None:
    """Call `work` for each number, in parallel threads, with the number and a function that has a piece decoded.

    Where a call raises, no further calls begin, those that run are waited for, and the exception is raised here.
    """
    if not numbers:
        return
    count = min(len(numbers), len(os.sched_getaffinity(0)))
    idle: SimpleQueue[Decoder] = SimpleQueue()

    def decode(piece: Piece) -> Answer:
        decoder = idle.get()
        try:
            return decoder.decode(piece)
        finally:
            idle.put(decoder)

    with ExitStack() as held, ThreadPoolExecutor(count, "decoding") as threads:
        for _ in range(count):
            idle.put(held.enter_context(Decoder()))
        coming = [threads.submit(work, number, decode) for number in numbers]
        try:
            for one in coming:
                one.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
