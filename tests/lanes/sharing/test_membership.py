"""A study's claim to a share of the cluster, while its broker is being found again by another thread."""

import time

import pytest

from slalom.errors import Infrastructure
from slalom.lanes.on_ray.sharing.membership import PATIENCE_SECONDS, Membership


class Recovering(Membership):
    """The broker answers again in the moment after it was looked whether it does."""

    _looks = ()

    @property
    def _trouble(self):
        return self._looks.pop() if self._looks else None

    @_trouble.setter
    def _trouble(self, value):
        pass


@pytest.fixture
def membership():
    made = Recovering(ray=None, study="mine", priority=0)
    yield made
    made.leave()


def test_a_broker_that_recovers_meanwhile_is_no_trouble(membership):
    membership._looks = [(time.monotonic(), OSError("gone"))]
    assert membership.claim(2, {"CPU": 1.0}, 2) is None


def test_a_broker_that_was_away_for_too_long_is_told_with_the_reason(membership):
    membership._looks = [(time.monotonic() - PATIENCE_SECONDS - 1, OSError("gone for good"))]
    with pytest.raises(Infrastructure, match="does not answer: gone for good"):
        membership.claim(2, {"CPU": 1.0}, 2)
