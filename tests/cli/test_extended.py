"""Editing a study that has begun: more of it goes on with what there is, all else is refused with what changed."""

import json

import pytest

import slalom
from slalom import wiring
from slalom.errors import InputError
from slalom.home import Home
from slalom.loop.notes import Note
from tests.cli.studies import RINGS, here, rows, trained
from tests.support.mlflow_tables import database
from tests.support.tiers import few

SLOW = "  slow: {optimizer: adam, learning_rate: 0.003}\n"
TUNED = (
    RINGS.replace("learning_rate: 0.1", "learning_rate: {log: [1e-3, 1.0]}")
    .replace("trials: 1, searches: 1", "trials: 3, searches: 2, sampler: random, pruner: none")
    .replace("tune:", f"{SLOW}tune:")
)
MORE = {
    "trials": ("trials: 3", "trials: 5"),
    "searches": ("searches: 2", "searches: 3"),
    "confirm seeds": ("seeds: 1", "seeds: 2"),
    "arms": ("tune:", "  adam_slow: {optimizer: adam, learning_rate: 0.001}\ntune:"),
}
OTHER = {
    "epochs": (("epochs: 1", "epochs: 2"), "epochs is 1 there and 2 here"),
    "fewer trials": (("trials: 3", "trials: 2"), "tune.trials is 3 there and 2 here"),
    "an arm less": ((SLOW, ""), "arms.slow."),
    "an arm's setting, and more trials": (
        (f"learning_rate: 0.01}}\n{SLOW}tune: {{trials: 3", f"learning_rate: 0.02}}\n{SLOW}tune: {{trials: 4"),
        "arms.adam.learning_rate is 0.01 there and 0.02 here; tune.trials is 3 there and 4 here",
    ),
    "an arm's name": (("  adam:", "  eve:"), "arms.adam."),
    "the baseline": (("baseline: sgd", "baseline: adam"), "compare.baseline is sgd there and adam here"),
    "the sampler": (("sampler: random", "sampler: tpe"), "tune.sampler is random there and tpe here"),
    "the generation alone": (("trials: 3", "trials: 3, generation: 2"), "tune.generation is 8 there and 2 here"),
}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder whose study has run."""
    return trained(TUNED, tmp_path_factory.mktemp("extended"))


def edit(folder, change):
    """The study's file with a text in place of another."""
    text = (folder / "digits.yaml").read_text()
    assert change[0] in text
    (folder / "digits.yaml").write_text(text.replace(*change))


@pytest.mark.thorough
def test_more_of_everything_goes_on_with_what_there_is_and_ends_as_if_it_was_written_so(ran):
    mark = slalom.load("digits.yaml").fingerprint[:12]
    before = slalom.show("digits.yaml", "home").export()
    for change in MORE.values():
        edit(ran, change)
    with pytest.raises(InputError, match="`slalom run` goes on with what is there"):
        slalom.show("digits.yaml", "home")
    done = here("run", "digits.yaml", "--home", "home", "--json")
    assert done.returncode == 0, done.stderr
    assert f"rings extends {mark}, whose trials it takes: " in done.stderr
    assert "tune.trials is 3 there and 5 here" in done.stderr
    (remark,) = json.loads(done.stdout)["remarks"]
    assert remark.startswith(f"rings extends {mark}")
    database(ran / "fresh")
    extended, fresh = slalom.show("digits.yaml", "home"), slalom.run("digits.yaml", "fresh")
    assert extended.export() == fresh.export()
    assert repr(extended) == repr(fresh)
    kept = [{trial: row[trial] for trial in ("arm", "search", "phase", "number", "metrics")} for row in before]
    assert [one for one in kept if one["phase"] == "tune"] == [
        {name: row[name] for name in kept[0]}
        for row in extended.export()
        if row["phase"] == "tune" and row["arm"] != "adam_slow" and row["search"] < 2 and row["number"] < 3
    ]
    (ran / "digits.yaml").write_text(TUNED)
    assert slalom.show("digits.yaml", "home").export() == before
    assert rows(ran / "home" / "optuna.db", "trials") == len(before) + len(fresh.export())


@pytest.mark.parametrize("name", few(OTHER, 4))
def test_every_other_change_is_refused_with_what_changed(name, ran):
    change, told = OTHER[name]
    before = rows(ran / "home" / "optuna.db", "trials")
    edit(ran, change)
    done = here("run", "digits.yaml", "--home", "home")
    assert done.returncode == 2
    assert "holds rings, but not as it is now" in done.stderr
    assert told in done.stderr
    assert rows(ran / "home" / "optuna.db", "trials") == before


@pytest.mark.thorough
def test_what_is_wanted_anew_takes_nothing(ran):
    edit(ran, MORE["searches"])
    spec, home = slalom.load("digits.yaml"), Home(ran / "home")
    slalom.run(spec, home, anew=True)
    slalom.run(spec, home)
    assert Note.EXTENDS not in wiring.store(spec, home).notes()
