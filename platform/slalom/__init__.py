"""Slalom: which way of training neural nets is better, by how much, and how surely, at equal effort."""

from slalom.api import Study, compare, load, page, pin, regress, replace, run, show
from slalom.errors import Infrastructure, InputError, Interrupted, SlalomError, StudyError
from slalom.regression.baseline import Baseline
from slalom.regression.night import Night
from slalom.report.result import Result
from slalom.study.bundled import bundled

__all__ = [
    "Baseline",
    "Infrastructure",
    "InputError",
    "Interrupted",
    "Night",
    "Result",
    "SlalomError",
    "Study",
    "StudyError",
    "bundled",
    "compare",
    "load",
    "page",
    "pin",
    "regress",
    "replace",
    "run",
    "show",
]
