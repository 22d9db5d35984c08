"""Where results are shown: a protocol, a fake in memory, and MLflow."""

from slalom.records.base import Recorder
from slalom.records.in_memory import InMemoryRecorder, Records

__all__ = ["InMemoryRecorder", "Recorder", "Records"]
