"""The places of a home, and what of them is shown."""

from pathlib import Path

import pytest

from slalom.home import Home, hide_passwords

HOME = Path("home")


def test_postgresql_gets_the_driver_that_the_extra_brings():
    home = Home(HOME, "postgresql://me:secret@db/optuna", "postgresql://me:secret@db/mlflow")
    assert home.storage_url == "postgresql+psycopg2://me:secret@db/optuna"
    assert home.tracking_uri == "postgresql+psycopg2://me:secret@db/mlflow"
    assert Home(HOME, "postgresql+psycopg://db/optuna").storage_url == "postgresql+psycopg://db/optuna"


def test_what_is_shown_has_no_passwords():
    shown = Home(HOME, "postgresql://me:secret@db/optuna", "http://me:secret@mlflow:5000").shown()
    assert "secret" not in str(shown)
    assert shown["tracking_uri"] == "http://me:***@mlflow:5000"


@pytest.mark.parametrize("password", ["secret", "sec/ret", "sec:ret", "sec@ret", "sec%40ret", "@", "sec?ret=1&x"])
def test_passwords_of_every_kind_are_hidden(password):
    text = f"cannot reach postgresql://me:{password}@db:5432/optuna: it is gone"
    assert hide_passwords(text) == "cannot reach postgresql://me:***@db:5432/optuna: it is gone"
