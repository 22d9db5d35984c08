import pytest

from slalom_worker.device import open_device


@pytest.fixture(autouse=True, scope="session")
def device():
    return open_device()
