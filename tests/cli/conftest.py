import pytest

from tests.cli.studies import SMALL, slalom


@pytest.fixture(scope="package")
def finished(tmp_path_factory):
    """A folder with small.yaml and the home of its finished run, and what the run printed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.yaml").write_text(SMALL)
    return folder, slalom("run", "small.yaml", "--home", "home", "--json", cwd=folder)


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A current folder with nothing in it but small.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path
