"""Lanes that answer as chance has it."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import replace

from slalom.errors import LaneLost
from slalom.lanes.base import LaneOpened
from slalom.loop.attempts import DEATHS
from slalom.wire.trial import Effort, Reply


class ScatteredLanes:
    """Lanes that take turns in random order and die at random.

    deaths: how many lanes die at most
    spare: no trial is lost so often that it fails
    echoes: what was answered is answered again, and dead lanes answer after their death, with lies
    """

    def __init__(self, factory, lanes, seed, *, deaths=0, spare=True, echoes=False):
        self.random = random.Random(seed)
        self.factory = factory
        self.hired = []
        self.workers = [self._hire() for _ in range(lanes)]
        self.names = [f"lane {number}" for number in range(lanes)]
        self.opened = list(range(lanes))
        self.queues = [deque() for _ in range(lanes)]
        self.trains = [{} for _ in range(lanes)]
        self.losses = {}
        self.deaths, self.spare, self.echoes = deaths, spare, echoes
        self.died = self.lies = 0
        self.echoed = []
        self.sent = []
        self.idle = 0
        self.heard = Effort()

    @property
    def trained(self):
        """Every epoch that any worker trained: the trial, its attempt and the epoch."""
        return [step for worker in self.hired for step in worker.trained]

    @property
    def orders(self):
        """Every order that was sent."""
        return [order for _, turn in self.sent for order in turn.orders]

    def _hire(self):
        self.hired.append(self.factory())
        return self.hired[-1]

    def size(self, demand):
        return []

    def send(self, lane, turn):
        self.queues[lane].append(turn)
        self.trains[lane].update({order.trial.id: order for order in turn.orders})
        self.sent.append((lane, turn))

    def collect(self, timeout):
        busy = [lane for lane, queue in enumerate(self.queues) if queue]
        self.idle = 0 if busy else self.idle + 1
        assert self.idle < 100, "the loop waits for lanes that have nothing to do"
        chosen = self.random.sample(busy, min(len(busy), self.random.randint(1, 3)))
        echo = [self.echoed.pop(self.random.randrange(len(self.echoed)))] if self.echoed else []
        opened, self.opened = self.opened, []
        replies = [[(lane, LaneOpened("made up"))] for lane in opened]
        for lane in chosen:
            replies.append([(lane, self._answer(lane))])
            if isinstance(replies[-1][0][1], LaneLost):
                replies[-1].append((lane, LaneOpened("made up")))
            else:
                self.heard += replies[-1][0][1].effort
        replies.insert(self.random.randint(0, len(replies)), echo)
        return [news for reply in replies for news in reply]

    def _answer(self, lane):
        try:
            reply = self.workers[lane].turn(self.queues[lane].popleft())
        except ZeroDivisionError as exc:
            return self._die(lane, f"ZeroDivisionError: {exc}", raised=True)
        dies = self.deaths > self.died and self._mortal(lane) and self.random.random() < 0.2
        if self.echoes and (reply.reports or reply.results) and self.random.random() < 0.5:
            self.echoed.append((lane, _lie(reply) if dies else Reply(reply.reports, reply.results)))
            self.lies += dies
        if dies:
            return self._die(lane, "killed")
        reached = {report.trial for report in reply.reports if report.epoch == self.trains[lane][report.trial].until}
        for trial in reached | {result.trial for result in reply.results}:
            del self.trains[lane][trial]
        return reply

    def _mortal(self, lane):
        return not self.spare or all(self.losses.get(trial, 0) < DEATHS - 1 for trial in self.trains[lane])

    def _die(self, lane, why, *, raised=False):
        self.died += 1
        for trial in self.trains[lane]:
            self.losses[trial] = self.losses.get(trial, 0) + 1
        self.trains[lane].clear()
        self.queues[lane].clear()
        self.workers[lane] = self._hire()
        return LaneLost(f"lane {lane}: {why}", raised=raised)

    def close(self):
        pass


class ElasticLanes(ScatteredLanes):
    """Lanes that must be given back at random, and come again later, under their number or as new ones.

    demanded: how many trials the loop could train, each time it was asked
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.open, self.leaving, self.demanded = set(), set(), []
        self.released = 0

    def size(self, demand):
        self.demanded.append(demand.trials)
        staying = sorted(self.open - self.leaving)
        if len(staying) < 2 or self.random.random() < 0.7:
            return []
        self.leaving.add(lane := self.random.choice(staying))
        return [lane]

    def release(self, lane):
        self.released += 1
        self.open.remove(lane)
        self.leaving.remove(lane)
        self.queues[lane].clear()
        self.trains[lane].clear()
        self.workers[lane] = self._hire()
        self.opened.append(lane if self.random.random() < 0.5 else self._another())

    def _another(self):
        self.names.append(f"lane {len(self.names)}")
        self.workers.append(self._hire())
        self.queues.append(deque())
        self.trains.append({})
        return len(self.workers) - 1

    def collect(self, timeout):
        news = super().collect(timeout)
        self.open |= {lane for lane, one in news if isinstance(one, LaneOpened)}
        return news


def _lie(reply):
    """The reply with numbers that no trial reaches."""
    lies = {f"{split}.{name}": -9.0 for split in ("validation", "test") for name in ("error", "accuracy")}
    reports = (replace(report, metrics=lies) for report in reply.reports)
    return Reply(tuple(reports), tuple(replace(result, metrics=lies) for result in reply.results))
