"""For every test: the lanes' environment, what is slow, what needs CUDA, no silent skip in CI, a PostgreSQL."""

import importlib
import os
import signal
import warnings
from pathlib import Path

import pytest

from slalom_worker.lane.environment import pin_kernels
from tests.support.postgres import binaries, server

# Before any test computes. Numpy warns of the names that other versions of it have.
pin_kernels()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ImportWarning)
    importlib.import_module("numpy")

TESTS = Path(__file__).parent

SLOW = (
    "browser",
    "cluster",
    "deploy",
    "studies",
    "cli/test_stops.py",
    "kernels",
    "loop/test_poisoned.py",
    "regression/test_nights.py",
    "schedule/test_nightly.py",
    "workers/test_serving.py",
    "workers/training/test_torch_layers.py",
)
"""Folders and files below `tests` whose every test is slow."""

SLOW_FIXTURES = ("postgres",)
"""Who uses one of them is slow."""

LONGEST = "workers/training"
"""Its files come first: at the end, one of them would keep a processor busy after all others are done."""

# A shell's background job is started with SIGINT ignored, and so would be all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def postgres():
    """A server, see tests/support/postgres.py: one for each file, since Optuna and MLflow share no database."""
    programs = binaries()
    if programs is None:
        missing = "PostgreSQL's pg_ctl is neither on PATH nor in /usr/lib/postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with server(programs) as running:
        yield running


def pytest_collection_modifyitems(items):
    for item in items:
        if any(item.path.is_relative_to(TESTS / place) for place in SLOW) or _uses(item, SLOW_FIXTURES):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: not item.path.is_relative_to(TESTS / LONGEST))
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if marked and not _cuda():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if item.get_closest_marker("cuda") is None:
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report):
    """A skip where CI=true is a part that CI should have and lacks, so it fails; an expected failure is no skip."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        *_, reason = report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason} (with CI=true only tests marked `cuda` may be skipped)"


def _uses(item, fixtures):
    return any(name in fixtures for name in getattr(item, "fixturenames", ()))


def _cuda():
    import torch

    return torch.cuda.is_available()
