"""Each layer as torch starts it: weights and biases of linear layers uniform in +-1/sqrt(fan-in)."""

from __future__ import annotations

from slalom_worker.initializations.base import Initialization

FAN_IN = Initialization(draw=None, parameters={})
