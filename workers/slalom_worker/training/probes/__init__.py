"""Calls the user's own methods as a training will call them, before a study starts, and checks what they return."""

from __future__ import annotations

from slalom_worker.training.probes.ask import probe

__all__ = ["probe"]
