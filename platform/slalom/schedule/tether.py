"""Ties a command to the process that starts it: `python -m slalom.schedule.tether PARENT COMMAND...`.

The command takes this process over, and is told to end, as by Ctrl-C, when its parent dies without having stopped it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Become the command.

    parent: the process id of who starts it
    """
    # Behind `nohup`, or `&` of a script, it would be ignored, and a time limit with it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:  # died before it could tell
        sys.exit(130)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
