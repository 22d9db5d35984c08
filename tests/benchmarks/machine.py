"""What was measured on, with what, and when."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("slalom", "torch", "optuna", "mlflow", "ray", "numpy")


def machine() -> str:
    """Two sentences."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    busy = os.getloadavg()[2]
    return (
        f"Measured on {datetime.now(UTC):%d %B %Y} on {os.cpu_count()} cores of {_processor()}, {memory:.0f} GB, "
        f"{platform.system()}, load {busy:.1f} over the last quarter of an hour.\n"
        f"Python {platform.python_version()}, {packages}."
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
