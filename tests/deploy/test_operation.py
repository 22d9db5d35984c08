"""What holds in every deployment alike: grace periods, baselines, what goes on after a head's restart, ways out."""

from __future__ import annotations

import os
import re
import signal
import subprocess

import pytest

from slalom.regression.baseline import Baseline, PinnedArm
from slalom.regression.replicates import Replicates
from slalom.schedule.scheduler import Waits
from tests.cli.studies import await_that, here
from tests.deploy.parts import DEPLOY, KUSTOMIZED, built, deployed, document, found, manifests, pods
from tests.deploy.test_scripts import UNITS, unit

HEADS = re.compile(r"ray start --head|headGroupSpec:|\"--head\"")
"""How a head is started in a file of `deploy/`."""

OVERLAY = manifests("overlays/cpu")


def of_kind(resources, kind):
    return [one for one in resources if one["kind"] == kind]


# Grace periods


def seconds(text):
    number, unit_ = re.fullmatch(r"(\d+)(s|min|h)?", text).groups()
    return int(number) * {None: 1, "s": 1, "min": 60, "h": 3600}[unit_]


def graces():
    """The seconds that each part has to end, by deployment."""
    systemd = {
        file.stem: seconds(unit(file)["Service"]["TimeoutStopSec"]) for file in UNITS if "Timeout" in stops(file)
    }
    compose = {name: seconds(one["stop_grace_period"]) for name, one in document("compose.yaml")["services"].items()}
    kubernetes = {}
    for where, pod in (each for resource in OVERLAY for each in pods(resource)):
        kubernetes[where] = pod["spec"].get("terminationGracePeriodSeconds")
    return systemd, compose, kubernetes


def stops(file):
    return "Timeout" if "TimeoutStopSec" in unit(file)["Service"] else ""


def test_whoever_runs_nights_has_as_long_to_stop_everywhere():
    systemd, compose, kubernetes = graces()
    driving = {
        systemd["slalom-serve"],
        systemd["slalom-regress@"],
        compose["scheduler"],
        *(grace for where, grace in kubernetes.items() if "scheduler" in where or "regress" in where),
        int(re.search(r"--signal=B:INT@(\d+)", (DEPLOY / "slurm.sbatch").read_text())[1]),
    }
    assert driving == {120}
    assert Waits().grace < 120
    assert "has 60 s for it" in (DEPLOY.parent / "docs/schedule.md").read_text()
    assert "120 s" in (DEPLOY.parent / "docs/schedule.md").read_text()


def test_rays_nodes_have_as_long_to_stop_everywhere():
    systemd, compose, kubernetes = graces()
    nodes = {grace for where, grace in kubernetes.items() if "RayCluster" in where}
    assert nodes | {systemd["ray-head"], systemd["ray-worker"], compose["ray-head"], compose["ray-worker"]} == {60}


NIGHT = """#!/usr/bin/env bash
trap 'echo told >>"$OUT"; exit 130' TERM
echo begun >>"$OUT"
for _ in {1..600}; do sleep 0.1; done
"""


def test_a_night_that_kubernetes_stops_is_told_so(tmp_path):
    """Its shell, which is the container's first process, hands the signal on, and gives the night's exit code."""
    (command,) = found(of_kind(OVERLAY, "CronJob"), "command")
    program = tmp_path / "slalom"
    program.write_text(NIGHT)
    program.chmod(0o755)
    out = tmp_path / "out"
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "OUT": str(out), "STUDY": "s"}
    with subprocess.Popen(command, env=environment) as pod:
        await_that(lambda: out.exists() and "begun" in out.read_text(), 30)
        pod.send_signal(signal.SIGTERM)
        await_that(lambda: pod.poll() is not None, 30)
    assert (pod.returncode, out.read_text()) == (130, "begun\ntold\n")


# Baselines


def image():
    """The variables of the image."""
    return dict(re.findall(r"^(?:ENV)?\s+(\w+)=(\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))


def test_baselines_have_one_home_in_every_deployment():
    home = image()["SLALOM_BASELINES"]
    (mounted,) = (one for one in document("compose.yaml")["services"]["scheduler"]["volumes"] if "STUDIES" in one)
    assert mounted.endswith(f":{home}:ro")
    assert f"SLALOM_BASELINES={home}\n" in (DEPLOY / "systemd/environment.example").read_text()
    assert f"`{home}`" in (DEPLOY / "README.md").read_text()
    for kind in ("CronJob", "Deployment"):
        for pod in (pod for one in of_kind(OVERLAY, kind) for _, pod in pods(one) if "slalom/driver" in str(pod)):
            mounts = {each["name"]: each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]}
            assert mounts["studies"] == home, kind
            volumes = {each["name"]: each.get("configMap") for each in pod["spec"]["volumes"]}
            assert volumes["studies"]["name"] in {one["metadata"]["name"] for one in of_kind(OVERLAY, "ConfigMap")}


def nights():
    """The command of each deployment's night: what follows `slalom regress`."""
    words = unit(DEPLOY / "systemd/slalom-regress@.service")["Service"]["ExecStart"].replace("%i", "digits-optimizers")
    yield "systemd", words.split()[2:]
    yield "compose", ["digits-optimizers", "--exit-code=10"]  # as its scheduler does
    (command,) = found(of_kind(OVERLAY, "CronJob"), "command")
    (line,) = (line for line in command[-1].splitlines() if line.startswith("slalom regress "))
    yield "kubernetes", line.replace('"$STUDY"', "digits-optimizers").removesuffix(" &").split()[2:]


@pytest.mark.parametrize(("where", "words"), [*nights()], ids=lambda value: value if isinstance(value, str) else "")
def test_a_night_on_an_empty_machine_finds_its_baseline(where, words, tmp_path, monkeypatch):
    """Another study's lies in its place, which `regress` says once it has read it, before anything is trained."""
    scratch, studies = tmp_path / "empty", tmp_path / "studies"
    scratch.mkdir()
    studies.mkdir()
    monkeypatch.chdir(scratch)
    monkeypatch.setenv("SLALOM_BASELINES", str(studies))
    kept = [re.sub("/var/lib/slalom|/tmp", str(scratch), word) for word in words]
    without_ray = [word for word in kept if "ray://" not in word and word != "--ray"]
    missing = here("regress", *without_ray)
    assert (missing.returncode, f"there is no baseline {studies}/digits-optimizers" in missing.stderr) == (2, True)
    arm = PinnedArm("sgd", ({},), 0.1, Replicates((0.1,), (4,), ("a",)))
    nothing = {"versions": {}, "settings": {}, "text": ""}
    other = Baseline("other", "f", 0, "d", "error", "minimize", "cpu", arms=(arm,), **nothing)
    other.write(studies / "digits-optimizers.baseline.json")
    done = here("regress", *without_ray)
    assert done.returncode == 2
    assert "the baseline is of other" in done.stderr, where


# After a head's restart


def test_submitted_studies_go_on_wherever_a_head_is_started():
    starting = [file for file in deployed() if HEADS.search(file.read_text()) and file.suffix != ".md"]
    resumed = {unit(file)["Install"].get("WantedBy", "") for file in UNITS if "--resume-all" in file.read_text()}
    for file in starting:
        if file.name == "slurm.sbatch":  # its driver is in the job: nothing is submitted
            continue
        assert "--resume-all" in file.read_text() or file.name in resumed, file.name
    names = {file.name for file in starting}
    assert names == {
        "local-cluster",
        "compose.yaml",
        "ray.yaml",
        "ray-cluster.yaml",
        "ray-head.service",
        "slurm.sbatch",
    }


# Ways out


def test_a_webhook_is_reached_by_whoever_tells_it_and_nobody_else(tmp_path):
    made = built(tmp_path, "webhook")
    (opened,) = (one["spec"] for one in of_kind(made, "NetworkPolicy") if one["metadata"]["name"] == "webhook")
    assert opened["podSelector"] == {"matchLabels": {"slalom/driver": "true"}}
    (way,) = opened["egress"]
    assert [*found(way, "cidr")] == ["192.0.2.80/32"]
    assert way["ports"] == [{"port": 443}]
    for kind in ("CronJob", "Deployment"):
        told = [one for one in of_kind(made, kind) if "SLALOM_WEBHOOK" in str(one)]
        assert [one["metadata"]["name"] for one in told] == [{"CronJob": "regress", "Deployment": "scheduler"}[kind]]
    compose = document("compose.webhook.yaml")
    assert compose["services"].keys() == {"scheduler"}
    (network,) = set(compose["services"]["scheduler"]["networks"]) - {"cluster", "data"}
    assert compose["networks"][network] == {"ipam": {"config": [{"subnet": "172.30.80.0/29"}]}}


def test_prometheus_reaches_the_scheduler_alone(tmp_path):
    made = built(tmp_path, "monitoring")
    (monitor,) = (one["spec"] for one in of_kind(made, "ServiceMonitor"))
    (service,) = (one for one in of_kind(made, "Service") if one["metadata"]["name"] == "scheduler")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    (opened,) = (one["spec"] for one in of_kind(made, "NetworkPolicy") if one["metadata"]["name"] == "metrics")
    assert opened["podSelector"] == {"matchLabels": service["spec"]["selector"]}
    assert [*found(opened, "port")] == [9400]
    (scheduler,) = (one for one in of_kind(made, "Deployment") if one["metadata"]["name"] == "scheduler")
    assert "--metrics-port=9400" in scheduler["spec"]["template"]["spec"]["containers"][0]["command"]


# The rest


def test_no_scratch_folder_is_without_a_bound():
    everything = [resource for folder in KUSTOMIZED for resource in manifests(folder)]
    folders = [*found(everything, "emptyDir")]
    assert folders
    assert all("sizeLimit" in folder for folder in folders)


def test_what_must_not_be_evicted_says_so():
    said = {
        where for resource in OVERLAY for where, pod in pods(resource) if "safe-to-evict" in str(pod.get("metadata"))
    }
    assert {"scheduler" in where or "regress" in where or "headGroupSpec" in where for where in said} == {True}
    assert len(said) == 3
    (budget,) = of_kind(OVERLAY, "PodDisruptionBudget")
    assert budget["spec"]["selector"]["matchLabels"]["ray.io/node-type"] == "head"


def test_names_are_looked_up_where_a_node_caches_them_too():
    (names,) = (one["spec"] for one in of_kind(OVERLAY, "NetworkPolicy") if one["metadata"]["name"] == "names")
    assert "169.254.20.10/32" in [*found(names, "cidr")]


def test_a_job_can_be_created_twice():
    (job,) = manifests("study")
    assert "name" not in job["metadata"]
    assert job["metadata"]["generateName"].endswith("-")


@pytest.mark.parametrize("name", ["ray-head", "ray-worker"])
def test_rays_sockets_are_found_from_outside_the_unit(name):
    service = unit(DEPLOY / f"systemd/{name}.service")["Service"]
    place = re.search(r"--temp-dir=(\S+)", service["ExecStart"])[1]
    assert place.startswith(f"/var/cache/{service['CacheDirectory']}/")
    assert len(place) <= 31  # Ray's sockets lie up to 76 characters below, and the kernel takes paths of 107
