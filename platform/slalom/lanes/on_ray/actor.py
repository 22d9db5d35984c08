"""A lane's process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slalom.lanes.base import Worker, WorkerFactory
    from slalom.trial import Reply, Turn


class LaneActor:
    """A worker in a process of its own."""

    def __init__(self, factory: WorkerFactory) -> None:
        self._factory = factory
        self._worker: Worker | None = None

    def open(self) -> str:
        """Make the worker, anew where there was one; the id of the node that it is on."""
        import ray

        self._worker = self._factory()
        return str(ray.get_runtime_context().get_node_id())

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
