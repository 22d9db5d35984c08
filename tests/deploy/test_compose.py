"""compose.yaml and the image, by our rules; no Docker engine runs here, so neither is started or built."""

from __future__ import annotations

import re

import pytest

from slalom_worker.lane.environment import LANE_ENVIRONMENT
from tests.deploy.parts import DEPLOY, document, program, said

COMPOSE = document("compose.yaml")
SERVICES = COMPOSE["services"]
INTERNAL = {"data", "artifacts", "cluster"}

every_service = pytest.mark.parametrize("name", SERVICES)


@every_service
def test_a_service_is_watched_bounded_and_without_rights(name):
    service = SERVICES[name]
    assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["user"] in ("1000:1000", "postgres")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@every_service
def test_an_image_is_pinned(name):
    image = SERVICES[name]["image"].replace("${ACCELERATOR:-cpu}", "cpu")
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-\w+)?", image)


def test_ports_are_on_the_loopback_interface_and_only_the_browsers():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"mlflow": ["127.0.0.1:5000:5000"]}


def test_networks_have_no_way_out_but_the_browsers():
    assert {name for name, network in COMPOSE["networks"].items() if (network or {}).get("internal")} == INTERNAL
    assert [name for name, service in SERVICES.items() if not set(service["networks"]) <= INTERNAL] == ["mlflow"]
    # the store's other ports ask for no key
    assert [name for name, service in SERVICES.items() if "artifacts" in service["networks"]] == ["s3", "mlflow"]


def test_every_secret_is_required_and_drawn_at_random():
    text = (DEPLOY / "compose.yaml").read_text()
    drawn = [line.partition("=") for line in said(DEPLOY / "secrets", "env").splitlines()]
    assert {name for name, _, _ in drawn} == set(re.findall(r"\$\{(\w+):\?", text))
    assert all(re.fullmatch(r"[0-9a-f]{20,64}", value) for _, _, value in drawn)
    assert said(DEPLOY / "secrets", "env") != said(DEPLOY / "secrets", "env")
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            assert not re.search("PASSWORD|TOKEN|KEY", name) or value.startswith("${"), name


@pytest.mark.parametrize("name", ["ray-head", "ray-worker", "scheduler"])
def test_whoever_talks_to_ray_has_the_token(name):
    environment = SERVICES[name]["environment"]
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_AUTH_TOKEN"].startswith("${RAY_AUTH_TOKEN:?")
    assert LANE_ENVIRONMENT.items() <= environment.items()


def test_hadolint_finds_nothing_in_the_image():
    assert said(program("hadolint"), DEPLOY / "Dockerfile") == ""


def test_the_image_is_pinned_runs_as_nobody_and_has_no_compiler():
    lines = [line.strip() for line in (DEPLOY / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    stages = [index for index, line in enumerate(lines) if line.startswith("FROM ")]
    assert [lines[index] for index in stages] == ["FROM ${PYTHON_IMAGE} AS build", "FROM ${PYTHON_IMAGE}"]
    assert "ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm" in lines
    assert any("PIP_CONSTRAINT=/source/constraints.txt" in line for line in lines)
    final = lines[stages[-1] :]
    assert [line for line in final if line.startswith("USER")] == ["USER 1000:1000"]
    assert not [line for line in lines if "apt-get" in line]
    assert [line for line in final if line.startswith("HEALTHCHECK")]


def test_the_image_gets_all_that_the_package_is_made_of():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY ([^-].*) \S+$", (DEPLOY / "Dockerfile").read_text(), flags=re.M)
    assert {f"!{name}" for line in copied for name in line.split()} == {line for line in ignored if line[:1] == "!"}
