"""For every test: the lanes' environment, its draws, its tier, what needs CUDA, no silent skip in CI, a PostgreSQL."""

import importlib
import os
import signal
import sys
import warnings
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from slalom_worker.lane.environment import pin_kernels
from tests.support.tiers import ROOMS, rooms

# What a user has set for all studies is not for those of the tests.
for name in ("SLALOM_STORAGE", "SLALOM_TRACKING_URI", "SLALOM_WEBHOOK"):
    os.environ.pop(name, None)

# A node of Ray starts a worker for each processor, and lanes, which have an environment of their own, use none.
for name in ("RAY_enable_worker_prestart", "RAY_prestart_worker_first_driver"):
    os.environ[name] = "0"

# Before any test computes. Numpy warns of the names that other versions of it have.
pin_kernels()
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ImportWarning)
    numpy = importlib.import_module("numpy")

from tests.support.postgres import binaries, server  # noqa: E402 (it imports numpy)

TESTS = Path(__file__).parent

SLOW = (
    "browser",
    "chaos",
    "cluster",
    "cli/test_own_training.py",
    "cli/test_run.py",
    "cli/test_stops.py",
    "schedule/test_commands.py",
    "schedule/test_nightly.py",
    "schedule/test_secrets.py",
)
"""Folders and files below `tests` whose every test is slow: they start Ray, a browser, or commands that they watch."""

SLOW_FIXTURES = ("postgres",)
"""Who uses one of them is slow."""

THOROUGH = (
    "fuzzing",
    "kernels",
    "loop/test_own_training.py",
    "loop/test_poisoned.py",
    "regression/test_nights.py",
    "workers/net/test_own_models.py",
    "workers/optimizers/test_conjugate_gradient.py",
    "workers/tasks/test_image_folder_study.py",
    "workers/test_serving.py",
)
"""Folders and files below `tests` whose every test is thorough; of others single cases, by support/tiers.py."""

CHAINS = (
    (
        "browser",
        "cli/test_own_training.py",
        "cli/test_run.py",
        "cli/test_stops.py",
        "cluster/test_ends.py",
        "cluster/test_processes.py",
        "cluster/test_submit.py",
        "contracts",
        "loop/test_poisoned.py",
        "schedule/test_commands.py",
        "schedule/test_nightly.py",
        "schedule/test_secrets.py",
    ),
    ("chaos", "cluster"),
)
"""Folders and files below `tests` that start clusters and servers; a file is of the first chain that names it.

The tests of a chain run one by one, since many clusters at once would starve each other. The first chain's are mostly
commands on a Ray of their own, the second's share a cluster of several nodes.
"""

LONGEST = ("repository/test_documents_run.py", "studies", "workers/training")
"""Their files come first of the others: at the end, one of them would keep a processor busy after all is done."""

# A shell's background job is started with SIGINT ignored, and so would be all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _drawn_alike():
    """What a test draws without a seed of its own does not depend on the tests that its process ran before."""
    numpy.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


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


class Scheduling(LoadFileScheduling):
    """The tests of a file go to one process, since they share what is made for the file; all of a chain to one."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        chain = _chain(TESTS.parent / file)
        return file if chain is None else f"chain {chain}"


@pytest.hookimpl(optionalhook=True)  # xdist may be absent
def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log)


def pytest_collection_modifyitems(config, items):
    for item in items:
        if _below(item.path, SLOW) or _uses(item, SLOW_FIXTURES):
            item.add_marker(pytest.mark.slow)
        if _below(item.path, THOROUGH):
            item.add_marker(pytest.mark.thorough)
    config.stash[ROOMS] = rooms(TESTS, items)
    items.sort(key=lambda item: (_chain(item.path) is None, _chain(item.path) or 0, not _below(item.path, LONGEST)))
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


def _chain(path):
    """The number of the chain that a file is of; None for all others."""
    return next((number for number, places in enumerate(CHAINS) if _below(path, places)), None)


def _below(path, places):
    return any(path.is_relative_to(TESTS / place) for place in places)


def _uses(item, fixtures):
    return any(name in fixtures for name in getattr(item, "fixturenames", ()))


def _cuda():
    import torch

    return torch.cuda.is_available()
