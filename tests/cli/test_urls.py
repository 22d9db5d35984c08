"""URLs are built, not pasted; nothing secret of them is shown; what cannot be told into its parts is refused unseen."""

import re
import sqlite3
from argparse import Namespace
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from slalom.cli import submit
from slalom.errors import InputError
from slalom.home import Home
from slalom.lanes.on_ray.connection import _host_and_port as cluster_place
from slalom.lanes.on_ray.jobs import place as job_place
from slalom.urls import hide_passwords, showable, sqlite_path, sqlite_url
from tests.cli.studies import SMALL, here

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
        ("sqlite:////srv/a:b@c/mlflow.db", "sqlite:////srv/a:b@c/mlflow.db"),
        ("sqlite+pysqlite:////srv/a:b@c%3F/mlflow.db", "sqlite+pysqlite:////srv/a:b@c%3F/mlflow.db"),
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
        "postgresql://me:hidden@db:65536/optuna",
        "postgresql://me:hidden@db:5432,other:5433/optuna",
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
        "postgresql://me:hid%40den@db,other/optuna?sslmode=on",
        "postgresql://me:hidden@/optuna?host=db:5432&host=other:5433",
        "postgresql://[::1]:5432/optuna",
        "postgresql:///optuna",
        "mysql+pymysql://me@db/optuna",
    ],
)
def test_what_can_is_taken(url):
    assert Home(Path("home"), url).storage == url
    assert make_url(url).get_backend_name() in ("mysql", "postgresql")


def test_several_hosts_with_ports_are_told_how_they_are_written():
    with pytest.raises(InputError, match=r"behind the database's name as \?host=HOST:PORT&host=HOST:PORT"):
        Home(Path("home"), "postgresql://me:hidden@db:5432,other:5433/optuna")


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("postgresql://db/optuna", False),
        ("postgresql:///optuna", True),
        ("postgresql:///optuna?host=/run/postgresql", True),
        ("postgresql://localhost,127.0.0.1/optuna", True),
        ("postgresql://localhost,db/optuna", False),
        ("postgresql://me@/optuna?host=db:5432&host=other:5433", False),
        ("postgresql://me@/optuna?host=127.0.0.1:5432", True),
        ("postgresql://[::1]:5432/optuna", True),
        ("sqlite:////srv/optuna.db", True),
    ],
)
def test_what_only_this_machine_reaches(url, is_local):
    assert submit._is_local(url, ()) is is_local


@pytest.mark.parametrize("read", [job_place, cluster_place])
@pytest.mark.parametrize("address", ["ftp://me:hidden@ray:1", "me:hidden@ray", "http://me:hidden@ray:8265/x", "x@y:z"])
def test_an_address_of_ray_is_refused_without_its_password(address, read):
    with pytest.raises(InputError, match=r"--ray: an? .*not shown") as refused:
        read(address)
    assert "hidden" not in str(refused.value)


def test_an_address_of_ray_is_told_without_its_password(tmp_path):
    address = "http://me:hidden@127.0.0.1:9"
    (tmp_path / "small.yaml").write_text(SMALL)
    done = here("logs", tmp_path / "small.yaml", "--ray", address)
    assert (done.returncode, done.stdout) == (3, "")
    assert "Ray at http://***@127.0.0.1:9 does not answer" in done.stderr
    options = Namespace(study="small.yaml", ray=address)
    assert submit._command("stop", options) == "slalom stop small.yaml --ray http://***@127.0.0.1:9"
