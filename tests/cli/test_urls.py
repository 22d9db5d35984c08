"""URLs are built, not pasted; nothing secret of them is shown; what cannot be told into its parts is refused unseen."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from slalom.errors import InputError
from slalom.home import Home
from slalom.urls import hide_passwords, showable, sqlite_path, sqlite_url

ODD = ("plain", "Which is best?", "50% off", "a#b", "what?a=1&b", "100%25", "\u00fcber alles", "a+b")


@pytest.mark.parametrize("name", ODD)
def test_an_sqlite_url_names_its_file(name, tmp_path):
    file = tmp_path / name / "optuna.db"
    file.parent.mkdir()
    url = sqlite_url(file)
    assert (make_url(url).database, sqlite_path(url)) == (str(file), str(file))
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE here (x)"))
    engine.dispose()
    with closing(sqlite3.connect(file)) as found:
        assert found.execute("SELECT name FROM sqlite_master").fetchall() == [("here",)]
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_homes_whose_names_begin_alike_share_nothing():
    places = [Home(Path(f"what?{end}")) for end in "ab"]
    assert len({one.storage_url for one in places} | {one.tracking_uri for one in places}) == 4


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hidden@db:5432/optuna", "postgresql://me:***@db:5432/optuna"),
        ("postgresql://me@db/optuna", "postgresql://me@db/optuna"),
        ("postgresql://db/o?user=me&password=hidden&sslmode=on", "postgresql://db/o?user=me&password=***&sslmode=on"),
        ("postgresql://db/o?options=hidden", "postgresql://db/o?options=***"),
        ("http://hidden@mlflow:5000", "http://***@mlflow:5000"),
        ("https://me:hidden@mlflow/x?sig=hidden", "https://***@mlflow/x?sig=***"),
        ("http://mlflow:5000/path", "http://mlflow:5000/path"),
        ("sqlite:////home/me/mlflow.db", "sqlite:////home/me/mlflow.db"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url, shown):
    assert showable(url) == shown


@pytest.mark.parametrize("password", ["hidden", "hid/den", "hid:den", "hid@den", "hid%40den", "@", "hid?den=1&x"])
def test_passwords_in_text_are_hidden(password):
    said = f"cannot reach postgresql://me:{password}@db:5432/optuna: it is gone"
    assert hide_passwords(said) == "cannot reach postgresql://me:***@db:5432/optuna: it is gone"


@pytest.mark.parametrize("option", ["password", "passwd", "PWD", "token", "secret", "api_key", "client-secret", "sig"])
def test_options_in_text_are_hidden(option):
    said = "asked https://x/y?{}={}&z=1, got 401"
    assert hide_passwords(said.format(option, "hidden")) == said.format(option, "***")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hid@den@db/optuna",
        "postgresql://me:hid/den@db/optuna",
        "postgresql://me:hid?den@db/optuna",
        "postgresql://me:1#hidden@db/optuna",
        "postgresql://me:hid:den@db/optuna",
        "postgresql://me:hid den@db/optuna",
        "postgresql://me:hidden@db:hidden/optuna",
        "postgresql://me:hidden",
        "postgres://me:hidden@db/optuna",
        "postgresq://me:hidden@db/optuna",
        "postgresql:/me:hidden@db/optuna",
        "me:hidden@db",
        "http://hid@den@mlflow:5000",
    ],
)
def test_what_cannot_be_told_into_its_parts_is_refused_unseen(url):
    for places in ({"storage": url}, {"tracking": url}):
        with pytest.raises(InputError, match=r"--(storage|tracking-uri): an \w+ ") as refused:
            Home(Path("home"), **places)
        assert not {"hid", "den", "hidden"} & set(re.findall(r"\w+", str(refused.value)))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hid%40den@db:5432,other:5433/optuna?sslmode=on",
        "postgresql://[::1]:5432/optuna",
        "postgresql:///optuna",
        "mysql+pymysql://me@db/optuna",
    ],
)
def test_what_can_is_taken(url):
    assert Home(Path("home"), url).storage == url
