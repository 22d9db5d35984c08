"""A study small enough for tests of the command line, and the command itself."""

import os
import subprocess
import sys
from pathlib import Path

SMALL = """\
name: small
question: Does Adam beat plain descent on eight hidden units?
task: digits
model: {name: mlp, hidden: [8]}
training: {epochs: 4, batch_size: 32}
search:
  learning_rate: {log: [1e-3, 1.0]}
arms:
  sgd: {optimizer: sgd}
  adam: {optimizer: adam}
tune: {trials: 4, generation: 4}
confirm: {seeds: 6}
compare: {baseline: sgd}
"""

COMMAND = [str(Path(sys.executable).with_name("slalom"))]


def slalom(*arguments, cwd, timeout=150):
    """The command's exit code, standard output and standard error."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "COLUMNS": "120"},
    )
