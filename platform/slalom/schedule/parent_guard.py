"""Have a command end with the process that starts it: `python -m slalom.schedule.parent_guard PARENT COMMAND...`.

The command replaces this process. Where its parent, the process of id PARENT, dies, Linux sends the command SIGINT, as
Ctrl-C does. Elsewhere than on Linux the command goes on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Replace this process by the command; does not return.

    parent: the process id of the process that starts this one; where that has died already, the exit code is 130
    command: a program by its whole path, and its arguments
    """
    # Started by `nohup`, or by `&` in a script, the command would ignore SIGINT, and so its time limit.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:  # the parent died before the signal was set
        sys.exit(130)
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
