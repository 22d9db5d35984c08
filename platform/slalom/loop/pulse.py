"""A running study's pulse, for `slalom status`: a note in its store, every few seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slalom.loop.notes import Heartbeat, Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.loop.campaign import Campaign
    from slalom.loop.placement import Placement
    from slalom.search.base import TrialStore

PULSE_SECONDS = 5.0


class Pulse:
    """Notes that the loop is alive, how far the study has come and how busy its lanes are.

    Only the loop's thread calls it.
    clock: gives seconds since the epoch
    """

    def __init__(self, store: TrialStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._written = -PULSE_SECONDS
        self._trains = False

    def beat(self, campaign: Campaign, placement: Placement) -> None:
        """Write the pulse where the study has got its first lane or lost its last, else every PULSE_SECONDS."""
        if self._trains is not (placement.lanes > 0) or self._clock() - self._written >= PULSE_SECONDS:
            self.write(campaign, placement)

    def write(self, campaign: Campaign, placement: Placement) -> None:
        """Write the pulse."""
        self._written, self._trains = self._clock(), placement.lanes > 0
        progress = campaign.progress(placement.lanes)
        used = campaign.throughput.slot_utilisation
        beat = Heartbeat(self._written, placement.load, progress.trials_per_second, used, progress.arms)
        self._store.note(Note.PULSE, beat.noted())
