"""Ray clusters of several nodes on this machine, and what runs on them."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.patience import Patience

FAKE_HEAD = "f" * 51 + "00000"
"""The head's id, as the autoscaler's provider of nodes on this machine has it."""

PR_SET_CHILD_SUBREAPER = 36


@contextmanager
def ray_cluster(*gpus, cpus=None, **head):
    """A node for each number of logical GPUs; the first is the head. `cpus` is of each node; see add_node."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        cluster = Cluster()
        try:
            head = {"no_monitor": "autoscaling_config" not in head, **head}
            add_node(cluster, gpus[0], cpus, include_dashboard=False, **head)
            for number in gpus[1:]:
                add_node(cluster, number, cpus)
            yield cluster
        finally:
            cluster.shutdown()


def add_node(cluster, gpus=0, cpus=None, **options):
    """Without what tells a driver what workers print: no test's driver listens to it.

    cpus: cores as far as Ray is told, or None for four beside each GPU, one at least
    """
    cpus = max(1, 4 * gpus) if cpus is None else cpus
    few = {"object_store_memory": 80 << 20, "include_log_monitor": False}
    return cluster.add_node(num_cpus=cpus, num_gpus=gpus, **few, **options)


def free_port():
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


def descendants(ancestor):
    """The processes that descend from one, each with its parent."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = {ancestor}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return {pid: parents[pid] for pid in found - {ancestor}}
        found |= more


def lane_processes():
    """The processes of lanes that descend from this one, each with the raylet that started it."""
    return {pid: parent for pid, parent in descendants(os.getpid()).items() if title(pid).startswith("ray::LaneActor")}


def raylet(node):
    """The process of a node's raylet."""
    return node.all_processes["raylet"][0].process.pid


def wait_for(condition, seconds=20.0):
    """Whether it came true in time; a busy machine has more, see tests/support/patience.py."""
    patience = Patience(seconds)
    while not condition():
        if patience.over:
            return False
        time.sleep(0.05)
    return True


def title(pid):
    """What a process calls itself."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


@contextmanager
def autoscaling_cluster(gpus=2, most=3, idle_seconds=3.0, **head):
    """A head without GPUs, and Ray's own autoscaler (v2), which starts and ends nodes of `gpus` GPUs on this machine.

    Not `ray.cluster_utils.AutoscalingCluster`: that begins and ends by stopping every Ray of the machine, and needs a
    file that Ray's wheels leave out, whose contents are the empty settings here.
    """
    port = free_port()
    variables = {"RAY_FAKE_CLUSTER": "1", "RAY_enable_autoscaler_v2": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    names = {"RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD, "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file, environment(variables), nothing_left():
        json.dump(_autoscaling(port, gpus, most, idle_seconds), file)
        file.flush()
        with ray_cluster(0, gcs_server_port=port, autoscaling_config=file.name, env_vars=names, **head) as cluster:
            yield cluster


@contextmanager
def environment(variables):
    """These variables, for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def nothing_left():
    """End what was started and is still there: nodes are the autoscaler's children, and outlive it by a while.

    Those that lose their parent become this process's own, so that they are found.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    before = descendants(os.getpid())
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        while left := descendants(os.getpid()).keys() - before.keys():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.05)
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _autoscaling(port, gpus, most, idle_seconds):
    from ray.util import get_node_ip_address

    lists = ("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands")
    more_lists = ("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files", "rsync_exclude")
    worker = {"CPU": 1, "GPU": gpus, "object_store_memory": 80 << 20}
    return {
        "cluster_name": "fake",
        "max_workers": most,
        "upscaling_speed": 100.0,
        "idle_timeout_minutes": idle_seconds / 60,
        "provider": {
            "type": "external",
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "gcs_address": f"{get_node_ip_address()}:{port}",
            "head_node_id": FAKE_HEAD,
            "launch_multiple": True,
            "disable_node_updaters": True,
        },
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 1}, "node_config": {}, "max_workers": 0},
            "worker": {"resources": worker, "node_config": {}, "min_workers": 0, "max_workers": most},
        },
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        "rsync_filter": [],
        **{name: [] for name in (*lists, *more_lists)},
    }
