"""Slalom: which way of training neural nets is better, by how much, and how surely, at equal effort."""

from slalom.api import Result, Study, bundled, load, run, show
from slalom.errors import Infrastructure, InputError, Interrupted, SlalomError, StudyError
from slalom.regression.hold import Night, pin, regress

__all__ = [
    "Infrastructure",
    "InputError",
    "Interrupted",
    "Night",
    "Result",
    "SlalomError",
    "Study",
    "StudyError",
    "bundled",
    "load",
    "pin",
    "regress",
    "run",
    "show",
]
