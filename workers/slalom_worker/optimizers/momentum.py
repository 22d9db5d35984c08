"""Heavy ball (Polak 1964) at its customary 0.9: SGD's update under the name people look for."""

from __future__ import annotations

from dataclasses import replace

from slalom_worker.optimizers.sgd import SGD

MOMENTUM = replace(SGD, momentum=0.9)
