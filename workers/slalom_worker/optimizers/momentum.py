"""Heavy ball (Polak 1964) with its customary momentum of 0.9: SGD's update under the name that people look for."""

from __future__ import annotations

from dataclasses import replace

from slalom_worker.optimizers.sgd import SGD

MOMENTUM = replace(SGD, momentum=0.9)
