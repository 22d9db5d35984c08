"""A study whose state is all on servers: PostgreSQL, MLflow's, two nodes of Ray, of which one dies in the middle."""

import signal

import pytest

from tests.chaos.servers import mlflow_server, two_nodes
from tests.chaos.stages import kill
from tests.chaos.struck import Site
from tests.cluster.clusters import lane_processes, wait_for

pytestmark = pytest.mark.timeout(1800)


def test_a_dead_node_and_a_restarted_database_change_no_number(tmp_path, postgres):
    """One command trains it to the end, and exports what a run without any server does."""
    with two_nodes() as nodes, mlflow_server(tmp_path) as records:
        site = Site(
            tmp_path / "site", "whole", options=("--ray", nodes.address), storage=postgres.url, tracking=records.uri
        )
        try:
            site.start()
            assert site.wait_for(4), site.log
            assert wait_for(lambda: len(lane_processes()) == 2, 60)
            kill(nodes.processes(), signal.SIGKILL)
            nodes.replace()
            assert site.wait_for(8), site.log
            postgres.stop()
            told = wait_for(lambda: "does not answer" in site.log, 60)
            postgres.start()
            assert told, site.log
            assert site.code() == 0, site.log
            said = (site.folder / "log").read_text()
            site.examine()
        finally:
            site.clear()
    assert "lost an attempt" in said or "had not opened yet" in said
