"""A home that holds the study with other data, files or settings: every command says so, and nothing trains unasked."""

import json
from dataclasses import replace

import pytest

import slalom
from slalom import reading, wiring
from slalom.errors import InputError
from slalom.home import Home
from slalom.loop.notes import Note
from tests.cli.studies import RINGS, here, rows, trained


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A folder whose study has run."""
    return trained(RINGS, tmp_path_factory.mktemp("namesakes"))


def with_other_data(monkeypatch):
    """From now on the task's data have another digest."""
    real = reading.inspect_task
    monkeypatch.setattr(reading, "inspect_task", lambda *a, **k: replace(real(*a, **k), data="f" * 64))


@pytest.mark.parametrize("command", ["run", "show", "export"])
def test_other_data_are_told_and_nothing_is_trained(command, ran, monkeypatch):
    before = rows(ran / "home" / "optuna.db", "trials")
    mark = slalom.load("digits.yaml").fingerprint[:12]
    with_other_data(monkeypatch)
    done = here(command, "digits.yaml", "--home", "home")
    assert done.returncode == 2
    assert "holds rings, but not as it is now" in done.stderr
    assert f"{mark} with other data (data is " in done.stderr
    assert " and ffffffffffff here)" in done.stderr
    assert "slalom run --anew" in done.stderr
    assert rows(ran / "home" / "optuna.db", "trials") == before


def test_other_settings_are_told_by_their_names(ran):
    text = (ran / "digits.yaml").read_text()
    (ran / "digits.yaml").write_text(text.replace("epochs: 1", "epochs: 2"))
    done = here("run", "digits.yaml", "--home", "home")
    assert done.returncode == 2
    assert "with other settings (epochs is 1 there and 2 here" in done.stderr


def test_what_is_wanted_anew_is_trained_beside_it_and_status_tells_them_apart(ran):
    text = (ran / "digits.yaml").read_text()
    (ran / "digits.yaml").write_text(text.replace("learning_rate: 0.1", "learning_rate: 0.2"))
    assert here("run", "digits.yaml", "--home", "home", "--anew").returncode == 0
    assert here("run", "digits.yaml", "--home", "home").returncode == 0
    assert here("show", "digits.yaml", "--home", "home").returncode == 0
    assert "other settings (arms.sgd.learning_rate is 0." in here("status", "--home", "home").stdout
    (line,) = json.loads(here("status", "--home", "home", "--json").stdout)["namesakes"]
    assert line.startswith("rings: ")


def test_a_replicate_of_another_seed_is_nobodys_mistake(ran):
    slalom.run(slalom.replace("digits.yaml", seed=1), "home")
    with pytest.raises(InputError, match=r"with other seed \(seed is "):
        slalom.show(slalom.replace("digits.yaml", seed=2), "home")


def test_one_of_which_nothing_is_on_record_is_told_all_the_same(ran):
    spec, home = slalom.load("digits.yaml"), Home(ran / "home")
    wiring.store(spec, home).note(Note.IDENTITY, None)
    with pytest.raises(InputError, match="with something else, which is not on record"):
        slalom.run(slalom.replace(spec, training={"epochs": 2, "batch_size": 32}), home)
