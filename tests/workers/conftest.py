import pytest
import torch

from slalom_worker.lane.device import open_device


@pytest.fixture(autouse=True, scope="session")
def device():
    return open_device()


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
