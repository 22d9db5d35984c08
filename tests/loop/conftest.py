import os

import pytest

from tests.postgres import binaries, server


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server, see tests/postgres.py."""
    programs = binaries()
    if programs is None:
        missing = "PostgreSQL's pg_ctl is neither on PATH nor in /usr/lib/postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with server(programs) as running:
        yield running
