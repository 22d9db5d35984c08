"""The loop: ask, place, collect, tell, record. The only writer of Optuna's storage and of MLflow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from slalom.campaign import Campaign
from slalom.devices import Devices
from slalom.errors import Interrupted, LaneLost
from slalom.lanes.base import Demand, LaneOpened
from slalom.placement import Placement
from slalom.pulse import Pulse
from slalom.summary import State, Throughput
from slalom.trial import Effort

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slalom.lanes.base import Lanes
    from slalom.plan import Propose
    from slalom.progress import Progress
    from slalom.records.base import Recorder
    from slalom.spec.model import Arm, StudySpec
    from slalom.suggest import TrialStore

POLL_SECONDS = 0.5


def run(
    spec: StudySpec,
    store: TrialStore,
    lanes: Lanes,
    recorder: Recorder,
    propose: Callable[[StudySpec, Arm], Propose],
    watch: Callable[[Progress], None] = lambda _: None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Train what is left of a study and write it down.

    Goes on where an earlier run stopped, however it stopped. Raises Interrupted on Ctrl-C, with all written that
    had ended, Infrastructure where the lanes, the storage or the recorder fail for good, and InputError where the
    lanes' devices are of several kinds, or of another than trained the study so far, and it does not take any.
    """
    known = store.ended()
    earlier = list(known.values())
    campaign = Campaign(spec, known, propose, throughput(store.notes()), clock)
    placement, devices = Placement(spec.resources.pack_width), Devices(spec.resources, earlier)
    pulse = Pulse(store, clock)
    state = State.INTERRUPTED
    try:
        store.note("state", State.RUNNING)
        recorder.trials(earlier)
        del earlier  # with histories, which the campaign keeps of none
        recorder.summary(campaign.summary(State.RUNNING))
        while not campaign.done:
            placement.take(campaign.due(placement.vacant))
            resize(lanes, Demand(campaign.trainable, placement.slots), placement, clock())
            for lane, turn in placement.turns():
                lanes.send(lane, turn)
            listen(lanes, placement, campaign, devices)
            over = campaign.over()
            store.add(over)
            recorder.trials(over)
            campaign.written(over)
            placement.drop(ended.spec.id for ended in over)
            kept = campaign.kept()
            for best, weights in kept:
                recorder.model(best.spec, weights)
            if kept:
                recorder.summary(campaign.summary(State.RUNNING))
            pulse.beat(campaign, placement)
            watch(campaign.progress(placement.lanes))
        state = State.COMPLETE
    except KeyboardInterrupt as exc:
        write_rest(campaign, store, recorder)
        raise Interrupted("stopped; what had ended is kept") from exc
    finally:
        pulse.write(campaign, placement)
        store.note("throughput", noted(campaign.throughput))
        store.note("reproduced", campaign.reproduced)
        store.note("state", state)
        recorder.summary(campaign.summary(state))


def resize(lanes: Lanes, demand: Demand, placement: Placement, now: float) -> None:
    """Have as many lanes as there is use for; give back those that must go, once they are done or time is up."""
    placement.leave(lanes.size(demand), now)
    for lane in placement.left(now):
        lanes.release(lane)


def listen(lanes: Lanes, placement: Placement, campaign: Campaign, devices: Devices) -> None:
    """Hear what has come back, and wait a little for the first; InputError of a lane on another kind of device."""
    heard = lanes.collect(POLL_SECONDS)
    names = lanes.names
    for lane, news in heard:
        if isinstance(news, LaneOpened):
            devices.admit(lane, news.device, names[lane])
            placement.opened(lane)
        elif isinstance(news, LaneLost):
            campaign.lost(placement.lost(lane), news)
        else:
            placement.replied(lane, news)
            campaign.hear(news, names[lane], devices.of(lane))


def write_rest(campaign: Campaign, store: TrialStore, recorder: Recorder) -> None:
    """Write down what had ended when the loop was stopped, perhaps while it was writing."""
    over = campaign.over()
    stored = store.ended() if over else {}
    store.add([ended for ended in over if ended.spec.id not in stored])
    recorder.trials(over)
    campaign.written(over)


def noted(reached: Throughput) -> Mapping[str, Any]:
    """Throughput as plain values, for a note in the store."""
    effort = reached.effort
    return {
        "trials": reached.trials,
        "seconds": reached.seconds,
        "trained": effort.trained,
        "available": effort.available,
        "pack_width": reached.pack_width,
    }


def throughput(notes: Mapping[str, Any]) -> Throughput:
    """What the study's runs have achieved so far, from its notes."""
    found = notes.get("throughput")
    if found is None:
        return Throughput()
    effort = Effort(found["trained"], found["available"])
    return Throughput(found["trials"], found["seconds"], effort, found["pack_width"])
