"""A worker that does as it is told, in place of one that trains."""

from __future__ import annotations

import os
import time

from slalom.wire.trial import Effort, Memory, Outcome, Phase, Reply, TrialId, TrialResult, Turn
from slalom_worker.lane.environment import LANE_ENVIRONMENT


class Unheard(Exception):
    """Cannot be made again from its arguments, so it does not survive pickling."""

    def __init__(self, code, text):
        super().__init__(f"{text} (code {code})")


def told(command, number=0):
    """A turn that tells the worker to do something."""
    return Turn(drops=(TrialId(command, Phase.TUNE, number),))


class Obedient:
    """Answers each turn with its number, and how many turns it has taken."""

    device_name = "made up"
    memory = None
    progress = ()

    def __init__(self):
        self.taken = 0

    def turn(self, turn):
        self.taken += 1
        command, _, number, _ = turn.drops[0]
        results = getattr(self, command)(number) or ()
        effort = Effort(self.taken, self.taken)
        return Reply(results=tuple(results), effort=effort, slots=number, memory=self.memory)

    def weigh(self, number):
        """Say that the process takes so many megabytes."""
        self.memory = Memory(number << 20)

    def hold(self, number):
        """Say that the process takes so many of the 80 gigabytes of its GPU."""
        self.memory = Memory(1 << 20, number << 30, 80 << 30)

    def answer(self, number):
        pass

    def fail(self, number):
        raise Unheard(number, "no such layer")

    def leave(self, number):
        os._exit(1)

    def sleep(self, number):
        time.sleep(number / 1000)

    def step(self, number):
        """Come on, for so many tenths of a second."""
        for at in range(number):
            self.progress = (at,)
            time.sleep(0.1)

    def loop(self, number):
        while True:
            pass

    def heavy(self, number):
        """Answer with some megabytes, which take a way of their own."""
        yield TrialResult(TrialId("a", Phase.CONFIRM, 0), 0, Outcome.COMPLETE, 1, {}, weights=(bytes(number << 20),))

    def ask(self, number):
        """Answer with what the process is: its pid, its device's share and the variables that pin its kernels."""
        names = ("CUDA_VISIBLE_DEVICES", *LANE_ENVIRONMENT)
        text = " ".join([str(os.getpid()), *(str(os.environ.get(name)) for name in names)])
        yield TrialResult(TrialId("a", Phase.CONFIRM, 0), 0, Outcome.COMPLETE, 1, {}, device=text)


class Refusing:
    """A worker that cannot be made."""

    def __init__(self):
        raise ValueError("no device today")


class Late(Obedient):
    """A worker that takes its time to be made."""

    def __init__(self):
        super().__init__()
        time.sleep(8)
