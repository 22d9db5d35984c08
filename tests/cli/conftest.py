import contextlib

import pytest

from slalom import wiring
from tests.cli.studies import SMALL, copied, here
from tests.support.mlflow_tables import database


@pytest.fixture(scope="package")
def finished(tmp_path_factory):
    """A folder with small.yaml and the home of its finished run, whose lane was in this process; what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.yaml").write_text(SMALL)
    database(folder / "home")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "ray_lanes", lambda spec, address=None: wiring.local_lanes(spec))
        return folder, here("run", "small.yaml", "--home", "home", "--json")


@pytest.fixture
def ran(original, tmp_path, monkeypatch):
    """A copy of the folder that the file's fixture `original` gives, as the current one; Ray's lanes are local ones."""
    copied(original, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wiring, "ray_lanes", lambda spec, address=None: wiring.local_lanes(spec))
    return tmp_path


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A current folder with nothing in it but small.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path
