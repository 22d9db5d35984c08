"""A driver's side of the sharing of a cluster: the driver's claim, and the share that the broker answers with."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slalom.errors import Infrastructure
from slalom.lanes.on_ray.sharing.broker import NAME, NAMESPACE, Broker
from slalom.lanes.sharing.shares import Claim

if TYPE_CHECKING:
    from collections.abc import Mapping

BEAT_SECONDS = 1.0
"""The time between two renewals of a claim."""

ANSWER_SECONDS = 5.0
"""The time within which the broker must answer; after it the broker is looked for again."""

PATIENCE_SECONDS = 120.0
"""The time within which a broker that failed must be back: without one a study keeps its last share, or one lane."""

ON_HEAD = {"node:__internal_head__": 0.001}
"""Puts the broker on the head: a process keeps its node from being idle, and only the head is never taken away."""


class Membership:
    """One study among those that share a cluster. A thread of its own renews the study's claim once a second.

    The loop's thread alone calls `claim` and `leave`. A broker that cannot be reached is started again.
    """

    def __init__(self, ray: Any, study: str, priority: int) -> None:
        """Start the thread.

        study: the unique key of this driver
        priority: from the study's file; higher ones go first
        """
        self._ray = ray
        self._study, self._priority, self._since = study, priority, time.time()
        self._wanted: tuple[Claim, int] | None = None
        self._share: int | None = None
        self._trouble: tuple[float, Exception] | None = None
        self._asked, self._left = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def claim(self, lanes: int, need: Mapping[str, float], demand: int) -> int | None:
        """Set what the study asks for from now on, and return its newest share; returns at once.

        lanes: how many lanes the study can use now; need: what each of them takes
        demand: how many lanes it would fill if the cluster grew
        Returns None while the study has no share yet. Raises Infrastructure where no broker has answered for
        PATIENCE_SECONDS.
        """
        trouble = self._trouble  # read once: the thread may find the broker at any time
        if trouble is not None and time.monotonic() - trouble[0] > PATIENCE_SECONDS:
            raise Infrastructure(f"the cluster's broker of lanes does not answer: {trouble[1]}")
        self._wanted = Claim(self._study, self._priority, self._since, lanes, dict(need)), demand
        self._asked.set()
        return self._share

    def leave(self) -> None:
        """Give the share back; must be called before `ray.shutdown`. A second call does nothing."""
        self._left.set()
        self._asked.set()
        self._thread.join(2 * ANSWER_SECONDS)

    def _beat(self) -> None:
        broker: Any = None
        self._asked.wait()
        while not self._left.is_set():
            try:
                broker = broker or self._find()
                self._renew(broker)
                self._trouble = None
            except Exception as exc:  # noqa: BLE001 (this thread must not end unheard: `claim` tells, if it lasts)
                broker = None
                self._trouble = self._troubled(exc)
            self._left.wait(BEAT_SECONDS)
        if broker is not None:
            # where it does not answer, the claim is void in a while
            with suppress(self._ray.exceptions.RayError, ConnectionError, ValueError):
                self._ray.get(broker.leave.remote(self._study), timeout=ANSWER_SECONDS)

    def _troubled(self, exc: Exception) -> tuple[float, Exception]:
        """When the trouble began, and its newest reason; that an answer was late takes the place of no reason."""
        if self._trouble is None:
            return time.monotonic(), exc
        began, known = self._trouble
        return began, known if isinstance(exc, TimeoutError) else exc

    def _find(self) -> Any:
        """The cluster's broker, started where there is none; two drivers that start it at once get the same one."""
        options = {"name": NAME, "namespace": NAMESPACE, "get_if_exists": True, "lifetime": "detached"}
        broker = self._ray.remote(Broker).options(num_cpus=0, resources=ON_HEAD, max_restarts=-1, **options)
        return broker.remote()

    def _renew(self, broker: Any) -> None:
        if self._wanted is not None:
            share = self._ray.get(broker.claim.remote(*self._wanted), timeout=ANSWER_SECONDS)
            self._share = self._share if share is None else share
