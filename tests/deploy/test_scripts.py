"""Shell scripts by shellcheck, systemd's units by rules, the cluster launcher's file by Ray itself."""

from __future__ import annotations

import re
from configparser import ConfigParser

import pytest
from ray.autoscaler._private.util import prepare_config, validate_config

from slalom_worker.lane.environment import LANE_ENVIRONMENT
from tests.deploy.parts import DEPLOY, document, program, said
from tests.repository.tree import ROOT, files

SCRIPTS = [file for file in files() if re.match(rb"#!.*\b(ba)?sh\b", file.read_bytes()[:64])]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_shellcheck_finds_nothing(script):
    assert said(program("shellcheck"), script) == ""


def test_the_scripts_are_found():
    assert {DEPLOY / "secrets", DEPLOY / "slurm.sbatch", ROOT / ".ci/run"} <= set(SCRIPTS)


def unit(file):
    """A unit's sections; a key that may stand several times has its last value."""
    parser = ConfigParser(interpolation=None, strict=False, delimiters=["="])
    parser.optionxform = str
    parser.read_string(file.read_text())
    return parser


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_a_unit_has_no_rights_and_its_variables_are_set(file):
    service = unit(file)["Service"]
    assert service["User"] == "slalom"
    hardened = {"NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "PrivateTmp": "yes"}
    assert hardened.items() <= dict(service).items()
    assert re.match(r"/opt/slalom/bin/(ray|slalom) ", service["ExecStart"])
    example = (DEPLOY / "systemd/environment.example").read_text()
    assert [name for name in re.findall(r"\$\{(\w+)\}", service["ExecStart"]) if f"\n{name}=" not in example] == []


def test_the_timer_starts_the_service_of_its_name():
    timer = unit(DEPLOY / "systemd/slalom-regress@.timer")
    assert timer["Timer"]["Persistent"] == "yes"
    assert (DEPLOY / "systemd/slalom-regress@.service") in UNITS


def test_lanes_find_what_they_need_in_their_environment():
    for name in ("systemd/environment.example", "slurm.sbatch"):
        text = (DEPLOY / name).read_text()
        assert all(f"{key}={value}" in text for key, value in LANE_ENVIRONMENT.items())
        assert "RAY_AUTH_MODE=token" in text


def test_ray_takes_the_cluster_launchers_file():
    cluster = prepare_config(document("ray-cluster.yaml"))
    validate_config(cluster)
    with pytest.raises(Exception, match="dashboard"):
        validate_config({**cluster, "dashboard": True})


def test_the_launched_cluster_wants_a_token_and_hides_its_dashboard():
    cluster = document("ray-cluster.yaml")
    starts = [
        command
        for node in ("head", "worker")
        for command in cluster[f"{node}_start_ray_commands"]
        if "ray start" in command
    ]
    starts = [command for command in starts if "--resume-all" not in command]
    assert len(starts) == 2
    assert all(command.startswith("RAY_AUTH_MODE=token ") for command in starts)
    assert "--dashboard-host=127.0.0.1" in starts[0]
    assert cluster["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}
    assert cluster["provider"]["use_internal_ips"]
