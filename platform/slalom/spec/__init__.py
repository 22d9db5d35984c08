"""Studies: a file, or a document written in Python, read and checked into a frozen StudySpec."""

from slalom.spec.fingerprint import PROTOCOL
from slalom.spec.model import (
    Arm,
    Choices,
    Compare,
    Distribution,
    Goal,
    Inspected,
    IntRange,
    Metric,
    Range,
    Resources,
    StudySpec,
    Tune,
)
from slalom.spec.read import Inspect, Reading, read_study, study_from
from slalom.spec.schema import schema
from slalom.spec.space import assign, grid_points, space

__all__ = [
    "PROTOCOL",
    "Arm",
    "Choices",
    "Compare",
    "Distribution",
    "Goal",
    "Inspect",
    "Inspected",
    "IntRange",
    "Metric",
    "Range",
    "Reading",
    "Resources",
    "StudySpec",
    "Tune",
    "assign",
    "grid_points",
    "read_study",
    "schema",
    "space",
    "study_from",
]
