"""The cluster's broker of lanes: an actor that all studies of a cluster ask for their share."""

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
"""Of what `Membership` and `Broker` tell each other; versions of Slalom that differ in it have brokers of their own."""

NAME = f"shares-{PROTOCOL}"
NAMESPACE = "slalom"

TURN_SECONDS = 1.0

VOID_SECONDS = 15.0
"""After which a claim is void that was not renewed."""

GATHER_SECONDS = 3.0
"""After a start, in which the studies claim again before any is answered."""

IDLE_SECONDS = 60.0
"""Without claims, after which the broker ends."""


class _Entry(NamedTuple):
    """A claim. demand: lanes that it would fill; heard: when it was renewed, by the monotonic clock."""

    claim: Claim
    demand: int
    heard: float


class Broker:
    """Holds the claims, and goes through them once a second in a thread of its own.

    So what it states to the autoscaler is lowered though every driver may have died.
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
        """Renew a claim; its share as of the last turn, None where it had no part in that."""
        with self._lock:
            self._entries[claim.study] = _Entry(claim, demand, time.monotonic())
            return self._shares.get(claim.study)

    def leave(self, study: str) -> None:
        """Give a claim up."""
        with self._lock:
            self._entries.pop(study, None)

    def _watch(self) -> None:
        """Turn until nobody has claimed anything for a while. An error ends the process; Ray starts another one."""
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
        """The claims that are not void."""
        oldest = time.monotonic() - VOID_SECONDS
        with self._lock:
            self._entries = {study: entry for study, entry in self._entries.items() if entry.heard > oldest}
            return list(self._entries.values())

    def _state(self, bundles: list[Bundle]) -> None:
        """Tell the autoscaler, where there is one, what the cluster should hold."""
        if bundles != self._stated:
            from ray.autoscaler.sdk import request_resources

            request_resources(bundles=bundles)
            self._stated = bundles


def _end() -> None:
    """End for good: what ends otherwise is started again."""
    import ray

    ray.kill(ray.get_actor(NAME, namespace=NAMESPACE), no_restart=True)
