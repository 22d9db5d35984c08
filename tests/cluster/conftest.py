import pytest

from tests.cluster.clusters import free_port, ray_cluster
from tests.cluster.studies import SPEC, run_here


@pytest.fixture(scope="session")
def client_port():
    return free_port()


@pytest.fixture(scope="session")
def cluster(client_port):
    """A head with one GPU and a node with two, as far as Ray is told."""
    with ray_cluster(1, 2, ray_client_server_port=client_port) as running:
        yield running


@pytest.fixture(scope="session")
def expected():
    """What the small study comes to in this process."""
    return run_here(SPEC)
