"""A missing part skips a test here and fails it in CI; a missing GPU skips in both."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.repository.tree import ROOT

REFUSED = "(with CI=true only tests marked `cuda` may be skipped)"

MISSING_PART = "import pytest\ndef test_part(): pytest.skip('no postgres')"
MISSING_FILE = "import pytest\npytest.importorskip('no_such_module')"
ALLOWED = """
import pytest

@pytest.mark.xfail
def test_expected():
    assert False

@pytest.mark.cuda
def test_gpu():
    import torch
    assert torch.cuda.is_available()
"""


def run(folder, suite, ci):
    """pytest's exit code and output on a file of tests, with this repository's conftest.py and no plugins."""
    (folder / "test_suite.py").write_text(suite)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = cuda: needs a GPU\n")
    path = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", folder],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "CI": ci},
        capture_output=True,
        check=False,
        text=True,
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_skip_fails_in_ci_only(tmp_path, ci, code):
    ended, printed = run(tmp_path, MISSING_PART, ci)
    assert ended == code
    assert (f"no postgres {REFUSED}" in printed) == (ci == "true")


def test_a_file_that_skips_itself_fails_in_ci(tmp_path):
    ended, printed = run(tmp_path, MISSING_FILE, "true")
    assert ended != 0
    assert f"could not import 'no_such_module': No module named 'no_such_module' {REFUSED}" in printed


def test_expected_failures_and_a_missing_gpu_are_no_fault_in_ci(tmp_path):
    ended, printed = run(tmp_path, ALLOWED, "true")
    assert ended == 0
    assert "1 xfailed" in printed
