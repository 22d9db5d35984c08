"""The broker of a cluster's lanes: an actor that all studies of the cluster ask for their shares."""

from __future__ import annotations

import os
import threading
import time
import traceback
from typing import TYPE_CHECKING, NamedTuple

from slalom.lanes.on_ray.sharing.ledger import Ledger
from slalom.lanes.sharing.demand import demanded
from slalom.lanes.sharing.shares import shares

if TYPE_CHECKING:
    from slalom.lanes.sharing.demand import Bundle
    from slalom.lanes.sharing.shares import Claim

PROTOCOL = 1
"""The version of the calls between `Membership` and `Broker`; Slaloms that differ in it have a broker each."""

NAME = f"shares-{PROTOCOL}"
NAMESPACE = "slalom"

TURN_SECONDS = 1.0
"""The time between two computations of the shares."""

VOID_SECONDS = 15.0
"""The time after which a claim that was not renewed is void."""

GATHER_SECONDS = 3.0
"""The time after a broker's start in which no share is given, since all studies must claim first."""

IDLE_SECONDS = 60.0
"""The time without claims after which the broker ends."""


class _Entry(NamedTuple):
    """A claim as it was renewed last.

    demand: how many lanes the study would fill if the cluster grew
    heard: when the claim was renewed, by the monotonic clock
    """

    claim: Claim
    demand: int
    heard: float


class Broker:
    """Holds the claims of all studies, and computes their shares once a second in a thread of its own.

    Ray calls `claim` and `leave`, one call at a time. Because the broker has its own thread, it lowers what it asks of
    the autoscaler even where every driver has died.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._shares: dict[str, int] = {}
        self._stated: list[Bundle] | None = None
        self._ledger = Ledger()
        self._lock = threading.Lock()
        self._busy = self._started = time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()

    def claim(self, claim: Claim, demand: int) -> int | None:
        """Renew a claim; returns how many lanes the study may have.

        demand: how many lanes the study would fill if the cluster grew
        Returns None where the shares were not computed since the study's first claim.
        """
        with self._lock:
            self._entries[claim.study] = _Entry(claim, demand, time.monotonic())
            return self._shares.get(claim.study)

    def leave(self, study: str) -> None:
        """Drop a study's claim."""
        with self._lock:
            self._entries.pop(study, None)

    def _watch(self) -> None:
        """Compute the shares again and again, until there was no claim for IDLE_SECONDS.

        An error ends the process, and Ray starts another.
        """
        try:
            while time.monotonic() - self._busy < IDLE_SECONDS:
                self._turn()
                time.sleep(TURN_SECONDS)
            _end()
        except Exception:  # noqa: BLE001 (whatever it is, a broker whose thread has ended must not live on)
            traceback.print_exc()
            os._exit(1)

    def _turn(self) -> None:
        entries = self._live()
        left, others = self._ledger.look()
        if time.monotonic() - self._started > GATHER_SECONDS:
            new = shares(list(left.values()), [entry.claim for entry in entries])
            with self._lock:
                self._shares = new
        if entries:
            self._busy = time.monotonic()
        self._state(demanded([(entry.claim.need, entry.demand) for entry in entries], others.values()))

    def _live(self) -> list[_Entry]:
        """The claims that are not void; the others are dropped."""
        oldest = time.monotonic() - VOID_SECONDS
        with self._lock:
            self._entries = {study: entry for study, entry in self._entries.items() if entry.heard > oldest}
            return list(self._entries.values())

    def _state(self, bundles: list[Bundle]) -> None:
        """Ask the autoscaler, where there is one, for a cluster that holds these bundles."""
        if bundles != self._stated:
            from ray.autoscaler.sdk import request_resources

            request_resources(bundles=bundles)
            self._stated = bundles


def _end() -> None:
    """End the broker for good: Ray would start a broker that ends in another way again."""
    import ray

    ray.kill(ray.get_actor(NAME, namespace=NAMESPACE), no_restart=True)
