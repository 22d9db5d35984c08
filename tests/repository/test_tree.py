"""What lies where, and what no file may hold."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from types import ModuleType

import pytest

import slalom
from tests.repository.tree import ROOT, files

# Paths of one machine, and package registries' hosts; the brackets keep this file from holding them.
FORBIDDEN = [
    r"/[w]ork/",
    r"/[r]oot/",
    r"[p]ypi\.org",
    r"[p]ythonhosted\.org",
    r"[d]ownload\.pytorch\.org",
    r"[n]pmjs\.",
    r"[d]eb\.debian\.",
]

PUBLIC = [
    "Baseline",
    "Infrastructure",
    "InputError",
    "Interrupted",
    "Night",
    "Result",
    "SlalomError",
    "Study",
    "StudyError",
    "bundled",
    "compare",
    "load",
    "page",
    "pin",
    "regress",
    "replace",
    "run",
    "show",
]


def test_public_names():
    assert slalom.__all__ == PUBLIC
    for found in pkgutil.iter_modules(slalom.__path__, "slalom."):
        importlib.import_module(found.name)
    modules = [name for name in PUBLIC if isinstance(getattr(slalom, name), ModuleType)]
    assert not modules, "a module of the name takes its place as soon as somebody imports it"


def test_standard_platform_module_is_not_shadowed():
    code = "import platform; print(platform.__file__, platform.python_version())"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert str(ROOT) + "/platform" not in ran.stdout
    assert sys.version.split()[0] in ran.stdout


@pytest.mark.parametrize("folder", ["platform", "workers", "tests", "tests/platform", "tests/workers"])
def test_source_roots_are_no_packages(folder):
    assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.parametrize("word", FORBIDDEN)
def test_no_file_names_a_machine_or_a_registry(word):
    holders = [file for file in files() if re.search(word.encode(), file.read_bytes())]
    assert [str(file.relative_to(ROOT)) for file in holders] == []


@pytest.mark.parametrize("file", ["platform/slalom/random.py", "workers/slalom_worker/tasks/platform.py"])
def test_ruff_refuses_a_module_named_like_a_standard_one(file):
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "--stdin-filename", file, "-"],
        cwd=ROOT,
        input='"""A module."""\n',
        capture_output=True,
        check=False,
        text=True,
    )
    assert f"{file}:1:1: A005" in ran.stdout
