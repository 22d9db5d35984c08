"""The manifests as kustomize makes them, against the schemas of Kubernetes and of the operators, and our own rules."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from slalom_worker.lane.environment import LANE_ENVIRONMENT
from tests.deploy.parts import DEPLOY, KUSTOMIZED, documents, found, manifests, pods, program, said

KUBERNETES = "1.36"
CUSTOM = documents(Path(__file__).with_name("custom_resources.yaml").read_text())[0]

# made by CloudNativePG
CERTIFICATES = "slalom-postgres-ca"

every_folder = pytest.mark.parametrize("folder", KUSTOMIZED)


def check_built_in(resource):
    validator = pytest.importorskip("kubernetes_validate")
    validator.validate(resource, KUBERNETES, strict=True)


@every_folder
def test_every_resource_meets_its_schema(folder):
    for resource in manifests(folder):
        if resource["kind"] in CUSTOM:
            jsonschema.validate(resource["spec"], CUSTOM[resource["kind"]])
        else:
            check_built_in(resource)


@every_folder
def test_every_pod_template_meets_the_schema_of_pods(folder):
    templates = [template for resource in manifests(folder) for _, template in pods(resource)]
    assert templates
    for template in templates:
        check_built_in({"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": "template"}})


def test_a_wrong_field_is_refused():
    (cluster,) = (one for one in manifests("overlays/cpu") if one["kind"] == "RayCluster")
    with pytest.raises(jsonschema.ValidationError, match="workerGroups"):
        jsonschema.validate({**cluster["spec"], "workerGroups": []}, CUSTOM["RayCluster"])
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "one"}, "spec": {"port": 1}}
    with pytest.raises(jsonschema.ValidationError, match="port"):
        check_built_in(service)


@every_folder
def test_no_pod_has_more_rights_than_it_needs(folder):
    for where, pod in (each for resource in manifests(folder) for each in pods(resource)):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"], where
        assert spec["securityContext"]["runAsUser"] == 1000, where
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
        # KubeRay gives the head an account for the autoscaler
        assert "headGroupSpec" in where or spec["automountServiceAccountToken"] is False, where
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, where
            assert {"requests", "limits"} <= container["resources"].keys(), where


@every_folder
def test_every_image_is_ours_or_has_a_version(folder):
    images = [image for key in ("image", "imageName") for image in found(manifests(folder), key)]
    tags = {image.rpartition(":")[2] for image in images}
    assert tags <= {"0.1.0-cpu", "0.1.0-cuda", "18.4-system-trixie"}
    assert tags


def test_what_is_referred_to_is_made(tmp_path):
    made = {secret["metadata"]["name"]: secret["data"].keys() for secret in made_secrets(tmp_path)}
    kept = [one for one in manifests("overlays/gpu") if one["kind"] == "ConfigMap"]
    (settings,) = (one for one in kept if one["metadata"]["name"] == "slalom")
    everything = [resource for folder in KUSTOMIZED for resource in manifests(folder)]
    for reference in found(everything, "secretKeyRef"):
        if reference.get("optional"):
            continue
        assert reference["key"] in made[reference["name"]]
    for reference in found(everything, "configMapKeyRef"):
        assert (reference["name"], reference["key"] in settings["data"]) == ("slalom", True)
    names = [*found(everything, "secretName"), *(one["name"] for one in found(everything, "passwordSecret"))]
    assert set(names) - made.keys() == {CERTIFICATES}
    assert not [resource for resource in everything if resource["kind"] == "Secret"]


def made_secrets(folder):
    """What `deploy/secrets kubernetes` creates, by the real kubectl told to print it and to send nothing."""
    (folder / "access").write_text("id")
    (folder / "secret").write_text("key")
    dry = folder / "kubectl"
    dry.write_text(f'#!/bin/sh\n{program("kubectl")} "$@" --dry-run=client -o yaml && echo ---\n')
    dry.chmod(0o755)
    arguments = ("kubernetes", str(folder / "access"), str(folder / "secret"))
    return documents(said(DEPLOY / "secrets", *arguments, env={"PATH": f"{folder}:/usr/bin:/bin"}))


def test_secrets_differ_each_time(tmp_path):
    one, other = (str(made_secrets(tmp_path)) for _ in range(2))
    assert one != other


def test_network_policies_select_pods_that_there_are():
    resources = manifests("overlays/gpu")
    ours = [
        template["metadata"].get("labels", {})
        for one in resources
        for _, template in pods(one)
        if "metadata" in template
    ]
    labels = {item for each in ours for item in each.items()}
    theirs = ("ray.io/", "cnpg.io/", "kubernetes.io/metadata.name")
    policies = [one for one in resources if one["kind"] == "NetworkPolicy"]
    wanted = {item for each in found(policies, "matchLabels") for item in each.items()}
    assert {item for item in wanted if not item[0].startswith(theirs)} <= labels
    denied = [one["spec"] for one in policies if one["metadata"]["name"] == "deny-all"]
    assert denied == [{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]


def test_ray_asks_for_a_token_and_is_published_nowhere():
    (cluster,) = (one["spec"] for one in manifests("overlays/gpu") if one["kind"] == "RayCluster")
    assert cluster["authOptions"] == {"mode": "token", "secretName": "slalom-ray"}
    assert cluster["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    kinds = {one["kind"] for folder in KUSTOMIZED for one in manifests(folder)}
    assert "Ingress" not in kinds
    types = [str(each) for folder in KUSTOMIZED for each in found(manifests(folder), "type")]
    assert not {"NodePort", "LoadBalancer"} & set(types)


def test_the_gpu_overlay_adds_a_group_with_gpus():
    groups = {}
    for folder in ("overlays/cpu", "overlays/gpu"):
        (cluster,) = (one["spec"] for one in manifests(folder) if one["kind"] == "RayCluster")
        each = cluster["workerGroupSpecs"]
        groups[folder] = {group["groupName"]: "nvidia.com/gpu" in next(found(group, "limits")) for group in each}
        assert cluster["enableInTreeAutoscaling"]
    assert groups == {"overlays/cpu": {"cpu": False}, "overlays/gpu": {"cpu": False, "gpu": True}}


def test_ray_is_of_the_version_that_is_pinned():
    constraints = (DEPLOY.parent / "constraints.txt").read_text().splitlines()
    (cluster,) = (one["spec"] for one in manifests("overlays/cpu") if one["kind"] == "RayCluster")
    assert f"ray=={cluster['rayVersion']}" in constraints
    # the image has it, for Ray's nodes are started by KubeRay
    assert all(f"{name}={value}" in (DEPLOY / "Dockerfile").read_text() for name, value in LANE_ENVIRONMENT.items())


def test_a_night_is_run_once_and_its_failure_is_kept():
    """Words that Kubernetes' schemas leave open, since they list no values."""
    (night,) = (one["spec"] for one in manifests("overlays/cpu") if one["kind"] == "CronJob")
    assert (night["concurrencyPolicy"], night["timeZone"], night["suspend"]) == ("Forbid", "Etc/UTC", True)
    job = night["jobTemplate"]["spec"]
    assert (job["backoffLimit"], job["template"]["spec"]["restartPolicy"]) == (0, "Never")
    (command,) = found(job, "command")
    assert "\nslalom regress " in command[-1]
