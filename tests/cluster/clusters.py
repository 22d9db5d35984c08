"""Ray clusters of several nodes on this machine, and what runs on them."""

from __future__ import annotations

import os
import socket
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def ray_cluster(*gpus, cpus=1, **head):
    """A node for each number of logical GPUs; the first is the head. `cpus` is of each node."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        cluster = Cluster()
        try:
            add_node(cluster, gpus[0], cpus, include_dashboard=False, **head)
            for number in gpus[1:]:
                add_node(cluster, number, cpus)
            yield cluster
        finally:
            cluster.shutdown()


def add_node(cluster, gpus=0, cpus=1, **options):
    return cluster.add_node(num_cpus=cpus, num_gpus=gpus, object_store_memory=80 << 20, **options)


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
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def title(pid):
    """What a process calls itself."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
