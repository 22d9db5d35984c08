"""The places of a home, and what of them is shown."""

from pathlib import Path

from slalom.home import Home

HOME = Path("home")


def test_postgresql_gets_the_driver_that_the_extra_brings():
    home = Home(HOME, "postgresql://me:secret@db/optuna", "postgresql://me:secret@db/mlflow")
    assert home.storage_url == "postgresql+psycopg2://me:secret@db/optuna"
    assert home.tracking_uri == "postgresql+psycopg2://me:secret@db/mlflow"
    assert Home(HOME, "postgresql+psycopg://db/optuna").storage_url == "postgresql+psycopg://db/optuna"


def test_what_is_shown_has_no_passwords():
    shown = Home(HOME, "postgresql://me:secret@db/optuna", "http://me:secret@mlflow:5000").shown()
    assert "secret" not in str(shown)
    assert shown["tracking_uri"] == "http://***@mlflow:5000"
