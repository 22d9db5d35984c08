"""docs/adding-a-method.md is followed to the letter: its method joins a copy of the sources, is checked and studied."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.repository.test_documents_run import blocks
from tests.repository.tree import ROOT, files
from tests.support.mlflow_tables import database

PAGE = ROOT / "docs" / "adding-a-method.md"
COPIED = ("platform", "workers", "tests/support", "tests/workers", "pyproject.toml")
HELD = """
from slalom_worker.lane.device import open_device
from tests.workers.cases import DATA, cases, clouds_objective, clouds_work
from tests.workers.checks import check_equivalence, check_invariance
from tests.workers.reference import Reference
from tests.workers.training.test_equivalence import EPOCHS, test_every_method_has_a_reference_for_all_that_can_be_set
from tests.workers.trials import settings, trial

open_device()
test_every_method_has_a_reference_for_all_that_can_be_set("OPTIMIZERS")
work = clouds_work()
chosen = [case.settings for case in cases() if case.settings["optimizer"] == "lion"]
specs = [trial(n, work, one, epochs=EPOCHS) for n, one in enumerate(chosen)]
specs.append(trial(len(specs), work, settings("lion", learning_rate=1e308), epochs=2))
wanted = {spec.id.number: Reference(spec, DATA).train() for spec in specs}
check_equivalence(clouds_objective(work), specs, wanted, width=7)
for precision in ("float32", "float64"):
    work = clouds_work(batch_size=33, precision=precision, hidden=(7,))
    specs = [trial(n, work, one, epochs=2) for n, one in enumerate(chosen)]
    check_invariance(clouds_objective(work), specs, widths=(1, 2, 7))
print(len(chosen), "settings")
"""
STUDIED = """
import slalom
from slalom.wiring import local_lanes

for name in ("lion", "mine"):
    result = slalom.run(slalom.load(f"{name}.yaml").with_resources(pack_width=16), name, lanes=local_lanes)
    print(*(f"{arm.name} {arm.confirm.mean!r}" for arm in result.arms), result.verdict.sentence, sep="\\n")
"""


def patched(text, hunks):
    """The text with the `+` lines of each hunk after the line that precedes them, which must be there once."""
    lines = text.splitlines()
    for hunk in hunks.split("\n@@\n"):
        anchor, *added = hunk.splitlines()
        assert anchor[0] == " "
        assert all(line[0] == "+" for line in added)
        assert lines.count(anchor[1:]) == 1, f"not there once: {anchor}"
        place = lines.index(anchor[1:]) + 1
        lines[place:place] = [line[1:] for line in added]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The sources, with what the page shows."""
    folder = tmp_path_factory.mktemp("copy")
    for file in files():
        name = file.relative_to(ROOT)
        if any(name.is_relative_to(part) for part in COPIED):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / name)
    ((name, source),) = re.findall(r"\A# (\S+)\n(.*)\Z", *blocks(PAGE, "python"), flags=re.S)
    (place,) = re.findall(r"The file then is `(\S+)`", PAGE.read_text())
    assert not (folder / place).exists()
    (folder / place).write_text(source)
    (folder / name).write_text(source)
    for block in blocks(PAGE, "diff"):
        name, hunks = re.fullmatch(r"--- (\S+)\n(.*)\n", block, flags=re.S).groups()
        (folder / name).write_text(patched((folder / name).read_text(), hunks))
    (study,) = blocks(PAGE, "yaml")
    (folder / "mine.yaml").write_text(study)
    (folder / "lion.yaml").write_text(study.replace("lion.py:LION", "lion"))
    return folder


def run(copy, *arguments):
    """What a process of its own prints, which sees the copy alone."""
    path = os.pathsep.join(str(copy / part) for part in ("platform", "workers", "."))
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_it_takes_thirty_lines():
    shown = [block.split("\n", 1)[1] for block in blocks(PAGE, "python")]
    shown += ["\n".join(re.findall(r"^\+(.*)$", block, flags=re.M)) for block in blocks(PAGE, "diff")]
    assert sum(bool(line.strip()) for block in shown for line in block.splitlines()) <= 30


@pytest.mark.thorough
def test_packs_train_it_as_its_reference_does_and_alike_at_every_width(copy):
    assert int(run(copy, "-c", HELD).split()[0]) >= 10


def test_the_schema_and_the_style_know_it(copy):
    assert '"lion"' in run(copy, "-m", "slalom.cli", "schema")
    run(copy, "-m", "ruff", "check", "workers")
    run(copy, "-m", "ruff", "format", "--check", "workers", "tests/workers/literature.py")


@pytest.mark.thorough
def test_studies_compare_it_in_the_package_and_beside_their_file(copy):
    for name in ("lion", "mine"):
        database(copy / name)
    adam, lion, verdict, *mine = run(copy, "-c", STUDIED).splitlines()[-6:]
    assert [adam, lion, verdict] == mine
    assert "lion" in verdict
    assert float(adam.split()[1]) < 0.1
    assert float(lion.split()[1]) < 0.1
