"""Studies: a file, or a document written in Python, read and checked into a frozen StudySpec."""

from slalom.study.fingerprint import PROTOCOL
from slalom.study.inspected import Inspected
from slalom.study.model import Arm, Compare, Goal, Metric, Pick, Resources, Searches, StudySpec, Tune
from slalom.study.ranges import Choices, Distribution, IntRange, Range
from slalom.study.read import Inspect, Reading, read_study, study_from
from slalom.study.schema import schema
from slalom.study.space import assign, grid_points, space

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
    "Pick",
    "Range",
    "Reading",
    "Resources",
    "Searches",
    "StudySpec",
    "Tune",
    "assign",
    "grid_points",
    "read_study",
    "schema",
    "space",
    "study_from",
]
