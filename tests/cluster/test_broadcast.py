"""The task's data are loaded by the driver alone, and every lane of a node reads them in the same shared memory."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import ray

import slalom
from slalom import wiring
from slalom.errors import Infrastructure, InputError
from slalom.lanes.on_ray import RayLanes, broadcast
from slalom.wire.trial import Effort, Outcome, Phase, Reply, TrialId, TrialResult
from slalom_worker.lane.environment import LANE_ENVIRONMENT
from slalom_worker.tasks import Data, Split
from tests.cluster.clusters import add_node, free_port, lane_processes, ray_cluster, wait_for
from tests.cluster.crews import Slowly, heard, opened
from tests.cluster.studies import SPEC, rows, run_here
from tests.cluster.workers import told
from tests.support.mlflow_tables import database

TASK = """
import os
import numpy as np
from torch import nn

from slalom_worker.tasks import Data, Split


class Loads(dict):
    'Known to this file alone.'


class Cats:
    def __init__(self, notes):
        self.notes = notes

    def load(self):
        with open(self.notes, "a") as file:
            print(os.getpid(), file=file)
        return Data(self.split(90, 0), self.split(40, 1), self.split(40, 2), classes=3, facts=Loads(bayes_error=0.1))

    def split(self, count, seed):
        chance = np.random.default_rng(seed)
        labels = np.arange(count, dtype=np.int64) % 3
        inputs = chance.normal(size=(4, count)) + labels
        return Split(inputs.astype(np.float32).T, labels)

    def model(self):
        return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 3))
"""

STUDY = {
    "name": "cats",
    "question": "Does momentum help to tell cats apart?",
    "training": {"epochs": 3, "batch_size": 16, "optimizer": "momentum"},
    "search": {"learning_rate": {"log": [1e-3, 1e-1]}},
    "arms": {"plain": {"momentum": 0.0}, "heavy": {"momentum": 0.9}},
    "tune": {"trials": 4, "searches": 1, "pick": "none"},
    "confirm": {"seeds": 6},
    "compare": {"baseline": "plain"},
    "resources": {"lanes": 4},
}


@pytest.fixture(scope="module")
def own_port():
    """Of Ray's client server: another cluster of the tests has one too."""
    return free_port()


@pytest.fixture(scope="module")
def pair(own_port):
    """Two nodes, each with room for two lanes; what is put has room in the store of either."""
    with ray_cluster(2, 2, ray_client_server_port=own_port) as running:
        yield running


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of a task that notes the processes in which it was loaded."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_task.py").write_text(TASK)
    return slalom.Study(**STUDY, task={"name": "my_task.py:Cats", "notes": str(tmp_path / "notes")})


def test_the_driver_alone_loads(pair, study, tmp_path):
    """When the study is read, and for the lanes, in the process that holds them; numbers are of lanes that load."""
    expected = run_here(study)
    (tmp_path / "notes").unlink()
    read = slalom.Study(**STUDY, task=study.task)
    database(tmp_path / "home")
    slowly = Slowly(pair.address, 4)
    result = slalom.run(read, tmp_path / "home", lanes=slowly.start)
    assert rows(result.export()) == expected
    assert sorted(Counter(slowly.nodes).values()) == [2, 2]
    assert (tmp_path / "notes").read_text().split() == [str(os.getpid()), str(slowly.lanes.process)]


def test_data_that_change_between_two_calls_are_refused(study, tmp_path):
    (tmp_path / "my_task.py").write_text(TASK.replace("default_rng(seed)", "default_rng()"))
    with pytest.raises(InputError, match=r"cats: load\(\) must give the same data at every call"):
        wiring.ray_lanes(study)


def looking_worker():
    """A class of workers that no module holds, so that it travels by itself to where there are no tests."""

    class Looking:
        """A worker that tells where its data lie, and the sum of them."""

        device_name = "made up"

        def __init__(self, data):
            self.data = data

        def turn(self, turn):
            inputs = self.data.train.inputs
            start = inputs.ctypes.data
            for line in Path("/proc/self/maps").read_text().splitlines():
                first, last = (int(end, 16) for end in line.split()[0].split("-"))
                if first <= start and start + inputs.nbytes <= last:
                    said = {"kind": line.split()[1], "file": line.split()[5], "inode": line.split()[4]}
            said |= {
                "writeable": str(inputs.flags.writeable),
                "sum": str(inputs.sum(dtype=np.float64)),
                "pid": str(os.getpid()),
            }
            text = " ".join(f"{name}={value}" for name, value in said.items())
            named = TrialResult(TrialId("a", Phase.CONFIRM, 0), 0, Outcome.COMPLETE, 1, {}, device=text)
            return Reply(results=(named,), effort=Effort(1, 1))

    return Looking


def clouds(megabytes):
    """Whole numbers, whose sums are exact."""
    inputs = np.arange(megabytes << 18, dtype=np.float32).reshape(-1, 1024) % 7
    split = Split(inputs, np.arange(len(inputs), dtype=np.int64) % 2)
    few = Split(inputs[:4], split.labels[:4])
    return Data(split, few, few, classes=2)


@contextmanager
def looking(address, data, count):
    lanes = RayLanes(address, SPEC.with_resources(lanes=count), looking_worker(), LANE_ENVIRONMENT, data)
    try:
        yield opened(lanes, count)
    finally:
        lanes.close()


def seen(lanes, *numbers):
    """What the lanes say of their data."""
    for number in numbers:
        lanes.send(number, told("look"))
    found = dict(heard(lanes, len(numbers)))
    return [dict(item.split("=") for item in found[number].results[0].device.split(" ")) for number in numbers]


def check(found, data, folder="/dev/shm/"):
    """All lie in mappings that processes share."""
    assert {one["kind"][3] for one in found} == {"s"}
    assert all(one["file"].startswith(folder) for one in found)
    assert {one["writeable"] for one in found} == {"False"}
    assert {float(one["sum"]) for one in found} == {float(data.train.inputs.sum(dtype=np.float64))}


def test_lanes_of_a_node_read_the_same_memory(pair):
    data = clouds(10)
    with looking(pair.address, data, 4) as lanes:
        found = seen(lanes, 0, 1, 2, 3)
        nodes = Counter(name.split(" on ")[1] for name in lanes.names)
        assert sorted(nodes.values()) == [2, 2]
        check(found, data)
        assert len({one["pid"] for one in found}) == 4
        # a store is one file, which both processes of a node map
        files = {name.split(" on ")[1]: set() for name in lanes.names}
        for name, one in zip(lanes.names, found, strict=True):
            files[name.split(" on ")[1]].add(one["inode"])
        assert all(len(inodes) == 1 for inodes in files.values())
        assert len(set.union(*files.values())) == 2


def test_through_rays_client(pair, own_port):
    data = clouds(10)
    with looking(f"ray://127.0.0.1:{own_port}", data, 4) as lanes:
        check(seen(lanes, 0, 1, 2, 3), data)


def test_on_a_local_ray_the_store_has_room_for_them():
    data = clouds(300)
    with looking(None, data, 1) as lanes:
        check(seen(lanes, 0), data)


def test_data_beyond_the_store_lie_in_a_file(pair):
    """The stores have 80 MiB."""
    data = clouds(120)
    with looking(pair.address, data, 4) as lanes:
        found = seen(lanes, 0, 1, 2, 3)
        check(found, data, "/")
        assert not any(one["file"].startswith("/dev/shm/") for one in found)


def test_where_there_is_no_room_at_all():
    """No disk may be used: the driver says so, and waits for nothing."""
    with ray_cluster(1, _system_config={"local_fs_capacity_threshold": 0.0}) as running:
        said = "the task's data, 126 MB, find no place on the driver's node"
        with pytest.raises(Infrastructure, match=said), looking(running.address, clouds(120), 1):
            pass


def test_what_does_not_come_is_not_waited_for(pair, monkeypatch):
    monkeypatch.setattr(broadcast, "TAKE_SECONDS", 0.5)
    with looking(pair.address, clouds(1), 1):
        never = ray.remote(lambda: None).options(num_gpus=99).remote()
        with pytest.raises(Infrastructure, match=r"the task's data did not reach this node within 0\.5 s"):
            broadcast.take([never])


def test_lanes_that_start_after_a_node_died_have_them(pair):
    """The driver's node keeps them; a copy goes to a node that comes."""
    data = clouds(10)
    extra = add_node(pair, 1)
    with looking(pair.address, data, 5) as lanes:
        check(seen(lanes, 0, 1, 2, 3, 4), data)
        lost = next(lane for lane in range(5) if lanes.names[lane].endswith(f"{extra.node_id[:8]})"))
        pair.remove_node(extra)
        lanes.send(lost, told("look"))
        assert not isinstance(heard(lanes, 1)[0][1], Reply)
        again = add_node(pair, 1)
        try:
            opened(lanes, 1)
            check(seen(lanes, lost), data)
            assert lanes.names[lost].endswith(f"{again.node_id[:8]})")
        finally:
            lanes.close()
            pair.remove_node(again)
    assert ray.is_initialized() is False
    assert wait_for(lambda: not lane_processes()), "Ray ends them in its own time"
