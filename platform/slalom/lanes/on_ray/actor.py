"""A lane's process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slalom.lanes.on_ray.broadcast import take

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slalom.lanes.base import Worker
    from slalom.trial import Reply, Turn


class LaneActor:
    """A worker in a process of its own."""

    def __init__(self, factory: Callable[..., Worker], shared: Sequence[Any]) -> None:
        """shared: a reference to what the factory is called with, or none.

        Ray gives a reference within a list as it is; one that is an argument itself would have to be on the node before
        the actor starts, and where it is not, nobody would be told.
        """
        self._factory = factory
        self._shared = shared
        self._worker: Worker | None = None

    def open(self) -> tuple[str, str]:
        """Make the worker, anew where there was one; the id of the node that it is on, and its kind of device."""
        import ray

        worker = self._factory(*take(self._shared))
        self._worker = worker
        return str(ray.get_runtime_context().get_node_id()), worker.device_name

    def turn(self, turn: Turn) -> Reply | str:
        """The worker's reply, or why it is gone; then so are the turns that follow, until it is opened again.

        A reason is text, since the class of a user's exception may be unknown where it is read.
        """
        worker, self._worker = self._worker, None
        if worker is None:
            return "its worker is gone"
        try:
            reply = worker.turn(turn)
        except Exception as exc:  # noqa: BLE001 (a user's model may raise anything; the loop is told)
            return f"{type(exc).__name__}: {exc}"
        self._worker = worker
        return reply
