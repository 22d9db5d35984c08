"""A page of several studies that nobody ran, with every part that it can have."""

from slalom.report.page.tasks_page import TasksPage
from slalom.verdict.tasks.several import several
from tests.verdict.tasks_made_up import table

ARMS = ("sgd", "momentum", "an arm of a <long> & winding name", "adam")

ROWS = [
    [0.12, 0.10, 0.15, 0.09],
    [0.31, 0.30, 0.33, 0.28],
    [0.07, 0.06, 0.08, 0.06],
    [0.21, 0.18, 0.25, 0.19],
    [0.41, 0.40, 0.43, 0.36],
    [0.02, 0.02, 0.09, 0.01],
    [0.15, 0.12, 0.17, 0.10],
]


def rich():
    """Of seven tasks, over which some arms are told apart and others are not."""
    return TasksPage.of(several(table(ROWS, ARMS, margin=0.01)))
