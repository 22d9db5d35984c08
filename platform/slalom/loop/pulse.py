"""What a study under way tells of itself, for `slalom status`: a note in its store, every few seconds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.loop.campaign import Campaign
    from slalom.loop.placement import Placement
    from slalom.search.on_optuna import TrialStore

NOTE = "pulse"
PULSE_SECONDS = 5.0
SILENT_SECONDS = 60.0
"""A study that runs, and has said nothing for so long, does not run any more."""


class Pulse:
    """Notes that the loop is alive, how far it has come and how busy its lanes are; the loop's thread alone calls it.

    clock: the loop's, seconds since the epoch
    """

    def __init__(self, store: TrialStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._written = -PULSE_SECONDS
        self._trains = False

    def beat(self, campaign: Campaign, placement: Placement) -> None:
        """Write it down, where the study has found its first lane or lost its last, and else from time to time."""
        if self._trains is not (placement.lanes > 0) or self._clock() - self._written >= PULSE_SECONDS:
            self.write(campaign, placement)

    def write(self, campaign: Campaign, placement: Placement) -> None:
        """Write it down."""
        self._written, self._trains = self._clock(), placement.lanes > 0
        progress = campaign.progress(placement.lanes)
        note = {
            "at": self._written,
            **placement.load._asdict(),
            "trials_per_second": progress.trials_per_second,
            "slot_utilisation": campaign.throughput.slot_utilisation,
            "arms": [asdict(arm) for arm in progress.arms],
        }
        self._store.note(NOTE, note)
