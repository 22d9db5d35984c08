"""What the tests of `deploy/` read: its files, its manifests as kustomize makes them, and the programs that check."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.repository.tree import ROOT, files

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = ROOT / "deploy"
KUSTOMIZED = ("overlays/cpu", "overlays/gpu", "study")


def deployed(*suffixes: str) -> list[Path]:
    """The files below `deploy/` with one of these suffixes, all of them where none is named."""
    return [file for file in files() if file.is_relative_to(DEPLOY) and (not suffixes or file.suffix in suffixes)]


def documents(text: str) -> list[Any]:
    """The documents of a YAML text; a key that stands twice is refused."""
    return [document for document in YAML(typ="safe").load_all(text) if document is not None]


def document(name: str) -> Any:
    (one,) = documents((DEPLOY / name).read_text())
    return one


def program(name: str) -> str:
    """A program that the extra `dev` installs beside Python."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: pip install -e '.[dev]'", allow_module_level=True)
    return found


def said(*command: str | Path, **options: Any) -> str:
    """What a program prints; it must succeed."""
    ran = subprocess.run(command, capture_output=True, check=False, text=True, timeout=480, **options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@cache
def manifests(folder: str) -> list[Any]:
    """The resources that kustomize makes of a folder of `deploy/kubernetes`; of "study" those of its file.

    Kustomize takes no resource whose name the server makes up.
    """
    if folder == "study":
        return documents((DEPLOY / "kubernetes/study.yaml").read_text())
    return documents(said(program("kubectl"), "kustomize", DEPLOY / "kubernetes" / folder))


def built(folder: Path, *components: str) -> list[Any]:
    """The resources of an overlay of the CPU's with these components, which is made in a folder."""
    place = os.path.relpath(DEPLOY / "kubernetes", folder)
    words = {"resources": [f"{place}/overlays/cpu"], "components": [f"{place}/{name}" for name in components]}
    kind = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "slalom"}
    with (folder / "kustomization.yaml").open("w") as file:
        YAML().dump({**kind, **words}, file)
    return documents(said(program("kubectl"), "kustomize", folder))


def pods(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every pod template within a resource, with its place."""
    if isinstance(value, dict):
        where = where or f"{value.get('kind')} {value.get('metadata', {}).get('name')}"
        if "containers" in value.get("spec", {}):
            yield where, value
        for key, inner in value.items():
            yield from pods(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from pods(inner, f"{where}[{index}]")


def found(value: Any, key: str) -> Iterator[Any]:
    """The values of a key, wherever it stands."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from found(inner, key)
