"""What a person reads first of `slalom run`: a line that comes before anything is loaded that takes seconds."""

import os
import pty
import subprocess
import sys

import pytest

from tests.cli.studies import SMALL
from tests.support.pseudo_terminal import written

HEAVY = ("matplotlib", "mlflow", "numpy", "optuna", "pandas", "ray", "scipy", "sklearn", "torch")

COMMAND = f"""
import sys

class Told:
    def find_spec(self, name, path=None, target=None):
        if name in {HEAVY}:
            print("loads", name, file=sys.stderr, flush=True)

sys.meta_path.insert(0, Told())
from slalom.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_the_first_line_comes_before_anything_heavy_is_loaded(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL.replace("optimizer: adam", "optimizer: adamm"))
    main, side = pty.openpty()
    command = [sys.executable, "-c", COMMAND, "run", "small.yaml"]
    subprocess.run(command, cwd=tmp_path, stderr=side, timeout=720, check=False)
    os.close(side)
    first, *rest = written(main).replace("...loads", "...\nloads").splitlines()
    assert first == "Reading small.yaml ..."
    assert rest[0].startswith("loads "), "the study is read then"
    assert "adamm" in rest[-1]
