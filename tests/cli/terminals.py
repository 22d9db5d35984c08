"""A terminal for a command to draw in."""

import fcntl
import os
import pty
import re
import struct
import termios
import threading

from tests.cli.studies import start
from tests.support.pseudo_terminal import pieces

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ERASE_LINE, LINE_UP = "\x1b[2K", "\x1b[1A"


class Terminal:
    """A terminal of so many columns with a command in it, and all that the command wrote to it."""

    def __init__(self, *arguments, cwd, columns):
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        env = {**os.environ, "TERM": "xterm-256color"}
        self.process = start(*arguments, cwd=cwd, stdin=side, stdout=side, stderr=side, env=env)
        os.close(side)
        self._main = main
        self._written = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._main)

    def wait(self, timeout):
        """The exit code; all is read then."""
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def screens(self):
        """What could be seen, one text for each time that something was drawn anew, without colours."""
        lines, seen = [""], []
        for part in re.split(rf"({ESCAPE.pattern}|\r\n|\r|\n)", self._written.decode(errors="replace")):
            if part in ("\r\n", "\n"):
                lines.append("")
            elif part == ERASE_LINE:
                seen.append("\n".join(lines))
                lines[-1] = ""
            elif part == LINE_UP:
                lines.pop()
            elif part != "\r" and not ESCAPE.fullmatch(part):
                lines[-1] += part
        return [*seen, "\n".join(lines)]

    def _read(self):
        for some in pieces(self._main):
            self._written += some
