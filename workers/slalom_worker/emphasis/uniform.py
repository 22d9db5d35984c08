"""No emphasis: every example once an epoch, in a new random order each time."""

from __future__ import annotations

from slalom_worker.emphasis.base import Emphasis

UNIFORM = Emphasis(weights=None, parameters={})
