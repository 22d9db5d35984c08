"""Imports run one way: the table of rooms is the design's layout, the arrows are read from the files."""

from __future__ import annotations

import shutil
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.repository.tree import ROOT, SOURCES, Arrow, arrows
from tests.support.tiers import few

FLOORS = (
    ("slalom",),  # the public names
    ("slalom.cli",),
    ("slalom.api",),
    ("slalom.reading", "slalom.wiring"),
    ("slalom.records.on_mlflow",),
    ("slalom.regression", "slalom.status"),
    ("slalom.loop", "slalom.report"),
    ("slalom.records",),
    ("slalom.verdict", "slalom.submit"),
    ("slalom.search", "slalom.search.on_optuna", "slalom.schedule"),
    ("slalom.lanes", "slalom.lanes.on_ray"),
    ("slalom.study",),
    ("slalom.database",),
    ("slalom.home",),
    ("slalom.urls",),
    ("slalom.wire", "slalom.errors"),
)
"""The rooms, top to bottom: a room imports only what stands on a lower floor, wherever in a file it does so.

What is no room belongs to the nearest one above it in its name: `slalom.lanes.sharing` to `slalom.lanes`.
"""

WORKERS = (
    ("slalom_worker.lane", "slalom_worker.catalogue"),
    ("slalom_worker.serving",),
    ("slalom_worker.training",),
    ("slalom_worker.net",),
    ("slalom_worker.methods", "slalom_worker.program", "slalom_worker.tasks"),
    ("slalom_worker.losses", "slalom_worker.own_method"),
    ("slalom_worker.augmentation", "slalom_worker.models"),
    (
        "slalom_worker.emphasis",
        "slalom_worker.initializations",
        "slalom_worker.metrics",
        "slalom_worker.optimizers",
        "slalom_worker.own_file",
        "slalom_worker.preprocessing",
        "slalom_worker.regularizers",
        "slalom_worker.schedules",
    ),
)
"""The rooms of what runs on a node, top to bottom."""

PARTS = {
    "slalom.lanes.on_ray": {"slalom.lanes"},
    "slalom.search.on_optuna": {"slalom.search"},
    "slalom.records.on_mlflow": {"slalom.records"},
}
"""An adapter imports the port that it implements, though both stand on one floor."""

PORTS = {"slalom.records.base", "slalom.records.in_memory", "slalom.lanes.base", "slalom.search.base"}
"""Protocols and their fakes: any room above `slalom.study` may import them."""

VENDORS = {
    "optuna": {"slalom.search.on_optuna"},
    "ray": {"slalom.lanes.on_ray"},
    "mlflow": {"slalom.records.on_mlflow"},
    "cronsim": {"slalom.schedule.cron"},
    "prometheus_client": {"slalom.status.prometheus"},
    "matplotlib": {"slalom.report.page.drawing"},
    "rich": {"slalom.cli.terminal", "slalom.status.watch"},
    "torch": {"slalom_worker"},
    "PIL": {"slalom_worker.tasks.decoding"},
    "slalom_worker": {"slalom_worker", "slalom.reading", "slalom.wiring", "slalom.cli"},
}
"""What may be imported by whom; a name stands for itself and all below it."""

WIRE = {"slalom.wire", "slalom.errors"}
"""All of `slalom` that a worker may import."""


def below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}.")


def floors_of(table: tuple[tuple[str, ...], ...]) -> dict[str, int]:
    """The floor of every room, the highest first."""
    return {room: floor for floor, rooms in enumerate(table) for room in rooms}


def room_of(module: str, rooms: dict[str, int]) -> str | None:
    """The nearest room above a module; the root package alone is not the room of what no other room holds."""
    found = [room for room in rooms if below(module, room) and (room != "slalom" or module == room)]
    return max(found, key=len, default=None)


def homeless(found: list[Arrow], rooms: dict[str, int], package: str) -> list[str]:
    """Modules that no room holds."""
    modules = {name for arrow in found for name in (arrow.source, arrow.target) if below(name, package)}
    return sorted(name for name in modules - {package} if room_of(name, rooms) is None)


def upward(found: list[Arrow], rooms: dict[str, int]) -> list[str]:
    """Arrows between rooms that do not run down."""
    wrong = []
    for arrow in found:
        source, target = room_of(arrow.source, rooms), room_of(arrow.target, rooms)
        if source is None or target is None or source == target or target in PARTS.get(source, ()):
            continue
        if arrow.target in PORTS and rooms[source] < rooms["slalom.study"]:
            continue
        if rooms[source] >= rooms[target]:
            wrong.append(f"{arrow.where} {arrow.source} -> {arrow.target}")
    return wrong


def misplaced(found: list[Arrow], target: str, sources: set[str]) -> list[str]:
    """Imports of something by others than may."""
    return [
        f"{arrow.where} {arrow.source} -> {arrow.target}"
        for arrow in found
        if below(arrow.target, target) and not any(below(arrow.source, source) for source in sources)
    ]


def circle(found: list[Arrow], package: str) -> list[str] | None:
    """A circle among a package's modules, or None; an import within a function draws an arrow like any other."""
    graph: dict[str, set[str]] = {}
    for arrow in found:
        if below(arrow.source, package) and below(arrow.target, package):
            graph.setdefault(arrow.source, set()).add(arrow.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as exc:
        return exc.args[1]
    return None


def broken(found: list[Arrow]) -> list[str]:
    """Every rule that these imports break, a line each."""
    lines = []
    for package, table in (("slalom", FLOORS), ("slalom_worker", WORKERS)):
        rooms = floors_of(table)
        lines += upward(found, rooms) + homeless(found, rooms, package)
        around = circle(found, package)
        lines += [f"circle: {' -> '.join(around)}"] if around else []
    for target, sources in VENDORS.items():
        lines += misplaced(found, target, sources)
    wire = [arrow for arrow in found if below(arrow.source, "slalom_worker") and below(arrow.target, "slalom")]
    lines += [f"{arrow.where} -> {arrow.target}" for arrow in wire if not any(below(arrow.target, w) for w in WIRE)]
    return lines


ARROWS = arrows(*SOURCES)


def test_the_rooms_stand_in_their_order():
    assert broken(ARROWS) == []


@pytest.mark.parametrize("target", VENDORS)
def test_a_vendor_is_imported_in_its_place(target):
    assert any(below(arrow.target, target) for arrow in ARROWS)


def test_every_room_of_the_table_is_there_and_little_else():
    folder = SOURCES[0] / "slalom"
    rooms = {name.split(".")[1] for floor in FLOORS for name in floor if "." in name}
    assert {path.name.removesuffix(".py") for path in folder.iterdir() if path.name[0] != "_"} == rooms
    assert len(list(folder.glob("*.py"))) <= 8


INTRUSIONS = {
    "a circle through a function's import": (
        "slalom/loop/progress.py",
        "def later():\n    import slalom.loop.campaign\n",
        "circle: ",
    ),
    "a circle for type checkers alone": (
        "slalom/loop/progress.py",
        "if TYPE_CHECKING:\n    from slalom.loop import campaign\n",
        "circle: ",
    ),
    "the loop imports the report": (
        "slalom/loop/progress.py",
        "from slalom.report import tables\n",
        "slalom.loop.progress -> slalom.report.tables",
    ),
    "a lower room imports a higher one in a function": (
        "slalom/study/space.py",
        "def later():\n    from slalom.verdict.summary import State\n",
        "slalom.study.space -> slalom.verdict.summary",
    ),
    "torch in the control plane": (
        "slalom/verdict/wording.py",
        "def later():\n    import torch.nn\n",
        "slalom.verdict.wording -> torch.nn",
    ),
    "optuna outside its adapter": ("slalom/loop/run.py", "import optuna\n", "slalom.loop.run -> optuna"),
    "a module that is in no room": ("slalom/helpers.py", "import slalom.errors\n", "slalom.helpers"),
    "a net that knows its training": (
        "../workers/slalom_worker/net/modules.py",
        "def later():\n    from slalom_worker.training import pack\n",
        "slalom_worker.net.modules -> slalom_worker.training.pack",
    ),
    "a worker that knows the loop": (
        "../workers/slalom_worker/lane/cost.py",
        "import slalom.loop.run\n",
        "-> slalom.loop.run",
    ),
}


@pytest.mark.parametrize(("file", "added", "told"), few(INTRUSIONS.values(), 2), ids=INTRUSIONS)
def test_what_breaks_the_order_is_found(file, added, told, tmp_path):
    for source in SOURCES:
        shutil.copytree(source, tmp_path / source.relative_to(ROOT), ignore=shutil.ignore_patterns("__pycache__"))
    intruded = tmp_path / "platform" / file
    intruded.write_text((intruded.read_text() if intruded.exists() else "") + f"\n\n{added}")
    found = broken(arrows(tmp_path / "platform", tmp_path / "workers"))
    assert any(told in line for line in found), found
