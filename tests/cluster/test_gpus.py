"""A study that is given GPUs which torch cannot use: Ray counts what it was told, or what the node has."""

from __future__ import annotations

import pytest
import torch

from slalom import wiring
from slalom.errors import Infrastructure
from slalom.lanes.base import LaneNotice, LaneOpened
from tests.cluster.crews import PLENTY
from tests.cluster.studies import SPEC
from tests.support.patience import Patience

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="the nodes' GPUs are there")


def test_a_study_that_asks_for_gpus_is_refused_with_what_the_node_has(cluster):
    with pytest.raises(Infrastructure, match=r"^lane 0 does not start: .*device 'gpu' needs a GPU .* its torch, "):
        first_news(SPEC.with_resources(lanes=1, device="gpu"), cluster)


def test_a_study_that_takes_what_there_is_says_that_its_gpu_is_none(cluster):
    opened, notice = first_news(SPEC.with_resources(lanes=1), cluster)
    assert isinstance(opened, LaneOpened)
    assert isinstance(notice, LaneNotice)
    assert "was given a GPU, but its torch can use none: it trains on cpu " in notice.text


def first_news(spec, cluster):
    """What is told of the first lane as soon as anything is."""
    lanes, patience = wiring.ray_lanes(spec, cluster.address), Patience(60.0)
    try:
        while not patience.over:
            lanes.size(PLENTY)
            if news := lanes.collect(0.5):
                return [one for _, one in news]
    finally:
        lanes.close()
    raise AssertionError("nothing was told")
