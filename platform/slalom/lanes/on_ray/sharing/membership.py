"""A driver's half of what the studies of a cluster agree on: its claim, and its share."""

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

ANSWER_SECONDS = 5.0
"""In which the broker answers, or is looked for again."""

PATIENCE_SECONDS = 120.0
"""In which a broker that fails must be back: without one a study would keep the share it had, or a single lane."""

ON_HEAD = {"node:__internal_head__": 0.001}
"""A process keeps its node from being idle, and the autoscaler from taking it away; the head stays anyway."""


class Membership:
    """One study's standing among those of the cluster. A thread talks with the broker, once a second.

    Where the broker cannot be reached it is started again; where that fails for long, `claim` tells.
    """

    def __init__(self, ray: Any, study: str, priority: int) -> None:
        """study: unique key of this driver."""
        self._ray = ray
        self._study, self._priority, self._since = study, priority, time.time()
        self._wanted: tuple[Claim, int] | None = None
        self._share: int | None = None
        self._trouble: tuple[float, Exception] | None = None
        self._asked, self._left = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def claim(self, lanes: int, need: Mapping[str, float], demand: int) -> int | None:
        """The newest share, None while there is none; returns at once.

        lanes: as many as it can use now; need: what each takes
        demand: as many as it would fill if the cluster grew
        Raises Infrastructure where no broker has answered for long.
        """
        if self._trouble is not None and time.monotonic() - self._trouble[0] > PATIENCE_SECONDS:
            raise Infrastructure(f"the cluster's broker of lanes does not answer: {self._trouble[1]}")
        self._wanted = Claim(self._study, self._priority, self._since, lanes, dict(need)), demand
        self._asked.set()
        return self._share

    def leave(self) -> None:
        """Give the share back; before `ray.shutdown`. May be called twice."""
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
                self._trouble = self._trouble or (time.monotonic(), exc)
            self._left.wait(BEAT_SECONDS)
        if broker is not None:
            # where it does not answer, the claim is void in a while
            with suppress(self._ray.exceptions.RayError, ConnectionError, ValueError):
                self._ray.get(broker.leave.remote(self._study), timeout=ANSWER_SECONDS)

    def _find(self) -> Any:
        """The broker, started where there is none; of two that start it at once, both get the same."""
        options = {"name": NAME, "namespace": NAMESPACE, "get_if_exists": True, "lifetime": "detached"}
        broker = self._ray.remote(Broker).options(num_cpus=0, resources=ON_HEAD, max_restarts=-1, **options)
        return broker.remote()

    def _renew(self, broker: Any) -> None:
        if self._wanted is not None:
            share = self._ray.get(broker.claim.remote(*self._wanted), timeout=ANSWER_SECONDS)
            self._share = self._share if share is None else share
