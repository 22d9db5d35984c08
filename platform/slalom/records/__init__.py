"""Where results are shown to people: two protocols, their fakes in memory, and MLflow."""

from slalom.records.base import NightRecorder, Recorder
from slalom.records.in_memory import InMemoryNights, InMemoryRecorder, Records

__all__ = ["InMemoryNights", "InMemoryRecorder", "NightRecorder", "Recorder", "Records"]
