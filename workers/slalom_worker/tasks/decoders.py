"""The processes that decode pictures: one for each processor, each with one piece of work at a time."""

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
    """A process that decodes pieces, one after the other; it ends with the block, and with this process.

    It is no process of `multiprocessing`, which would import a user's script once more.
    """

    def __enter__(self) -> Self:
        paths = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(  # noqa: S603 (this interpreter)
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,  # a Ctrl-C is this process's, which ends the other
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=END_SECONDS)

    def decode(self, piece: Piece) -> Answer:
        """Have a piece decoded; Infrastructure where its bytes cannot be written, or the process is gone."""
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
            raise Infrastructure(f"{piece.file} cannot be written: {answer.failed}")
        return answer


def with_decoders(work: Callable[[int, Callable[[Piece], Answer]], None], numbers: Sequence[int]) -> None:
    """Call `work` for each number, side by side in threads, with a function that has a piece decoded.

    What a call raises ends the others as soon as they are done with their pieces, and is raised here.
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
