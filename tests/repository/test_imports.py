"""Imports run one way: the table is DESIGN's layout, the arrows are read from the files."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.repository.tree import SOURCES, arrows

ARROWS = arrows(*SOURCES)

# What may be imported by whom; a name stands for itself and all below it.
ALLOWED = {
    "optuna": {"slalom.suggest"},
    "ray": {"slalom.lanes.on_ray"},
    "mlflow": {"slalom.records.on_mlflow"},
    "cronsim": {"slalom.schedule.cron"},
    "prometheus_client": {"slalom.schedule.metrics"},
    "torch": {"slalom_worker"},
    "slalom_worker": {"slalom_worker", "slalom.api", "slalom.cli"},
}
SHARED = {"slalom.trial", "slalom.seeds", "slalom.errors", "slalom.settings"}


def below(name, parent):
    return name == parent or name.startswith(f"{parent}.")


def wrong(found, target, sources):
    return [
        f"{arrow.where} {arrow.source} -> {arrow.target}"
        for arrow in found
        if below(arrow.target, target) and not any(below(arrow.source, source) for source in sources)
    ]


def circle(found, package):
    """A circle among a package's modules, or None; imports within functions run later and draw no arrow."""
    graph = {}
    for arrow in found:
        if below(arrow.source, package) and below(arrow.target, package) and not arrow.lazy:
            graph.setdefault(arrow.source, set()).add(arrow.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        return exc.args[1]
    return None


@pytest.mark.parametrize(("target", "sources"), ALLOWED.items(), ids=ALLOWED)
def test_only_its_adapter_imports_it(target, sources):
    assert any(below(arrow.target, target) for arrow in ARROWS)
    assert wrong(ARROWS, target, sources) == []


def test_workers_import_of_slalom_only_what_crosses_the_wire():
    found = [arrow for arrow in ARROWS if below(arrow.source, "slalom_worker") and below(arrow.target, "slalom")]
    assert [f"{arrow.where} -> {arrow.target}" for arrow in found if arrow.target not in SHARED] == []


def test_what_crosses_the_wire_imports_nothing_else_of_slalom():
    found = [arrow for arrow in ARROWS if arrow.source in SHARED and below(arrow.target, "slalom")]
    assert [f"{arrow.where} -> {arrow.target}" for arrow in found if arrow.target not in SHARED] == []


@pytest.mark.parametrize("package", ["slalom", "slalom_worker"])
def test_no_circle(package):
    assert circle(ARROWS, package) is None


def test_wrong_arrows_and_circles_are_found(tmp_path):
    package = tmp_path / "slalom"
    package.mkdir()
    (package / "__init__.py").touch()
    plan = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from slalom.loop import run\n"
    (package / "plan.py").write_text(plan)
    (package / "loop.py").write_text("from slalom import plan\ndef run():\n    import optuna.trial\n")
    found = arrows(tmp_path)
    assert wrong(found, "optuna", {"slalom.suggest"}) == ["loop.py:3 slalom.loop -> optuna.trial"]
    assert sorted(set(circle(found, "slalom"))) == ["slalom.loop", "slalom.plan"]
    lazy = [arrow._replace(lazy=True) for arrow in found]
    assert circle(lazy, "slalom") is None
