"""The loop: takes orders from plans, places them on lanes, collects replies, and writes what ended.

The loop is the only writer of Optuna's storage and of MLflow.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from slalom.errors import Interrupted, LaneLost
from slalom.lanes.base import Demand, LaneNotice, LaneOpened
from slalom.loop.campaign import Campaign
from slalom.loop.devices import Devices
from slalom.loop.housekeeping import Remarks, forget
from slalom.loop.notes import Note, Notes, noted
from slalom.loop.placement import Placement
from slalom.loop.pulse import Pulse
from slalom.loop.reuse import Reuse
from slalom.verdict.summary import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from slalom.lanes.base import Lanes
    from slalom.loop.progress import Progress
    from slalom.records.base import Recorder
    from slalom.search.base import ProposeFor, TrialStore
    from slalom.study.model import StudySpec

POLL_SECONDS = 0.5


def run(
    spec: StudySpec,
    store: TrialStore,
    lanes: Lanes,
    recorder: Recorder,
    propose: ProposeFor,
    watch: Callable[[Progress], None] = lambda _: None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Train what is left of a study, and write it to the store and the recorder.

    Goes on where an earlier run stopped, however it stopped, and takes trials from the studies that this one extends.
    Raises Interrupted on Ctrl-C, after writing all trials that had ended; Infrastructure where the lanes, the storage
    or the recorder fail for good; and InputError where lanes are on several kinds of devices, or on another kind than
    trained the study so far, unless its `nodes` are "any".
    """
    placement = Placement(spec.resources.pack_width)
    lanes.size(Demand(1, placement.slots))  # a first lane opens while the trials are read, of which there may be many
    known, notes = store.ended(), Notes.read(store.notes())
    earlier = list(known.values())
    reuse = Reuse({trial: one for mark in notes.extends for trial, one in store.ended(mark).items()})
    campaign = Campaign(spec, known, propose, notes.throughput, clock, reuse)
    devices, pulse, remarks = Devices(spec.resources, [*earlier, *reuse]), Pulse(store, clock), Remarks(store)
    state = State.INTERRUPTED
    try:
        store.note(Note.STATE, State.RUNNING)
        recorder.trials(earlier)
        del earlier  # frees the trials' histories, which the campaign does not keep
        recorder.summary(campaign.summary(State.RUNNING))
        while not campaign.done:
            placement.take(campaign.due(placement.vacant))
            resize(lanes, Demand(campaign.trainable, placement.slots), placement, clock())
            for lane, turn in placement.turns():
                lanes.send(lane, campaign.with_widths(turn, devices.of(lane)))
            told = listen(lanes, placement, campaign, devices)
            if (widths := campaign.measured()) is not None:
                store.note(Note.WIDTHS, widths)
            over = campaign.over()
            store.add(over)
            recorder.trials(over)
            campaign.written(over)
            forget(spec.checkpoints, (ended.spec.id for ended in over))
            told += [f"Note: {remark}" for remark in remarks.add(campaign.remarked())]
            placement.drop(ended.spec.id for ended in over)
            kept = campaign.kept()
            for best, again in kept:
                recorder.model(best.spec, again.weights, again.learned)
            if kept:
                recorder.summary(campaign.summary(State.RUNNING))
            pulse.beat(campaign, placement)
            watch(campaign.progress(placement.lanes, told))
        state = State.COMPLETE
    except KeyboardInterrupt as exc:
        write_rest(campaign, store, recorder)
        raise Interrupted("stopped; what had ended is kept") from exc
    finally:
        pulse.write(campaign, placement)
        store.note(Note.THROUGHPUT, noted(campaign.throughput))
        store.note(Note.REPRODUCED, campaign.reproduced)
        store.note(Note.STATE, state)
        recorder.summary(campaign.summary(state))


def resize(lanes: Lanes, demand: Demand, placement: Placement, now: float) -> None:
    """Ask for as many lanes as the demand can use; give back lanes that must go, once they are done or time is up."""
    placement.leave(lanes.size(demand), now)
    for lane in placement.left(now):
        lanes.release(lane)


def listen(lanes: Lanes, placement: Placement, campaign: Campaign, devices: Devices) -> list[str]:
    """Take in what lanes sent, waiting up to POLL_SECONDS for it; InputError for a lane on another kind of device.

    Returns lines for people: notices, and which lanes were lost, unless a trial's program raised.
    """
    told = []
    heard = lanes.collect(POLL_SECONDS)
    names = lanes.names
    for lane, news in heard:
        if isinstance(news, LaneOpened):
            devices.admit(lane, news.device, names[lane])
            placement.opened(lane)
        elif isinstance(news, LaneLost):
            trials = placement.lost(lane)
            campaign.lost(trials, news)
            told += [] if news.raised else [f"{news}{again(len(trials))}"]
        elif isinstance(news, LaneNotice):
            told.append(news.text)
        else:
            placement.replied(lane, news)
            campaign.hear(news, names[lane], devices.of(lane))
    return told


def again(trials: int) -> str:
    """The end of a line about a lost lane: how many trials in it lost an attempt."""
    return f"; {trials} trial{'s' if trials > 1 else ''} in it lost an attempt" if trials else ""


def write_rest(campaign: Campaign, store: TrialStore, recorder: Recorder) -> None:
    """Write the trials that had ended when the loop was stopped; it may have been stopped while it wrote them."""
    over = campaign.over()
    stored = store.ended() if over else {}
    store.add([ended for ended in over if ended.spec.id not in stored])
    recorder.trials(over)
    campaign.written(over)
