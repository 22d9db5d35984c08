"""The keys of a study file, but for an arm's: kind, default and meaning of each, for the reader and the JSON Schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from slalom.study.key import Key, Keys, Table
from slalom.wire.kinds import (
    MOST_EPOCHS,
    MOST_SEEDS,
    Choice,
    Integer,
    Kinds,
    Number,
    Text,
    Words,
    positive,
)

if TYPE_CHECKING:
    from slalom.wire.kinds import Catalogue

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
NAME_RULE = "letters, digits, '-', '_' and '.', at most 100, a letter or digit first"

DEFAULT_MODEL = "mlp"

MOST_TRIALS = 100_000
"""The most tuning trials of a search."""

MOST_SECONDS = 10_000_000.0
"""The longest time limit: four months."""

OWN = "task"
"""The name of the net that the task brings, among models, and of the study's own task in an arm's `task`."""

USER_TASK = re.compile(r"(.+\.py):([A-Za-z_][A-Za-z0-9_]*)")
"""Matches "file.py:name" of a user's own task (a class), training (a function) or method."""

OWN_KEYS = (
    "optimizer",
    "learning_rate_schedule",
    "momentum",
    "emphasis",
    "loss",
    "initialization",
    "preprocess",
    "augmentation",
)
"""Keys of an arm under which it can name a method of the user's own."""


REQUIRED = {
    "name": f"what the study is called: {NAME_RULE}",
    "question": "the question it answers, in a sentence",
    "task": 'the data: a bundled task, or your own as "file.py:Class"; or your own training, as "file.py:function"',
    "training": "how every trial trains, and settings that arms share",
    "arms": "the ways of training that are compared, at least two, each a mapping of what is its own",
    "tune": "the search of every arm's hyperparameters, on validation data",
    "confirm": "the measurement of every arm's chosen hyperparameters, on test data",
    "compare": "how the verdict is reached",
}
OPTIONAL = {
    "about": "what is being tested, for the records: `heuristic` (its name), `claim` (what is said of it), `source`",
    "model": "the net, of which an arm may change a part; left out where the task brings its own",
    "metric": "what the arms are judged by; `record`: what else is measured",
    "search": "distributions that are tuned in every arm, unless the arm has the setting itself",
    "resample": "which examples train, validate and test in a search",
    "seed": "what all random numbers come from; another one makes an honest replicate of the study",
    "checkpoint": "how often a trial in training is saved, to be gone on with if its lane or the study is killed; no "
    "number depends on it",
    "resources": "what the lanes take; no number depends on it",
}

ABOUT: Keys = {
    "heuristic": Key(Text(""), "the way of training that the study is about"),
    "claim": Key(Text(""), "what is said of it"),
    "source": Key(Text(""), "who says so, and where"),
}
TRAINING: Keys = {
    "epochs": Key(Integer(None, low=1, high=MOST_EPOCHS), "passes over the training data in every trial"),
    "report_every": Key(
        Integer(None, low=1, high=MOST_EPOCHS),
        "epochs between two reports (1/100 of the epochs where it is not given)",
        word="auto",
    ),
    "precision": Key(Choice("float32", ("float32", "float64")), "the numbers that trials compute with"),
    "record": Key(
        Words((), ("gradient", "curvature")), "what is recorded of each layer at every report, beside the metrics"
    ),
}
TUNE: Keys = {
    "trials": Key(Integer(None, low=1, high=MOST_TRIALS), "tuning trials of each search"),
    "searches": Key(
        Table(
            {
                "count": {"value": Integer(10, low=1, high=1000)},
                "decided": {"at_least": Integer(10, low=6, high=1000), "at_most": Integer(40, low=6, high=1000)},
            },
            "until",
            default="count",
            number=("count", "value"),
            searchable=False,
        ),
        "how often each arm is searched, every time with a choice of its own: a number, or `{at_least, at_most, until: "
        "decided}`, by which searches are added in stages until the study is decided",
    ),
    "sampler": Key(Choice("tpe", ("tpe", "random", "qmc", "grid")), "how hyperparameters are proposed"),
    "pruner": Key(
        Table(
            {"successive_halving": {"factor": Integer(3, low=2, high=1000)}, "none": {}}, default="successive_halving"
        ),
        "how trials are stopped early; `factor`: one in so many of a generation goes on at each rung",
    ),
    "generation": Key(
        Integer(None, low=1, high=MOST_TRIALS),
        "trials that are proposed together (an eighth of them, but at least 8, where it is not given)",
        word="auto",
    ),
    "pick": Key(
        Table(
            {"mean": {"best": Integer(4, low=2, high=1000), "seeds": Integer(3, low=1, high=1000)}, "none": {}},
            "by",
            default="mean",
            implied="mean",
            searchable=False,
        ),
        "how a search chooses: its `best` few trials are trained again from `seeds` fresh seeds, and the best mean "
        "validation metric is the choice; `none`: its best trial is",
    ),
}
CONFIRM: Keys = {
    "seeds": Key(
        Integer(None, low=1, high=10_000), "fresh seeds from which the choice of each search is measured on test data"
    ),
}
COMPARE: Keys = {
    "baseline": Key(Text(), "the arm that the others are compared with"),
    "alpha": Key(Number(0.05, 0.0, 0.5, open_low=True, open_high=True), "the verdict's level of error"),
    "margin": Key(
        positive(), "a difference of the metric up to which arms count as equivalent; without one, none do", word="none"
    ),
}
RESAMPLE: Keys = {
    "split": Key(
        Choice(None, ("each_search", "fixed")),
        "`each_search`: a split of its own for each search, the same in every arm; `fixed`: the task's own split, of "
        "which alone the verdict then speaks; where it is not given, each_search where the task has more than one",
        word="auto",
    ),
}
CHECKPOINT: Keys = {
    "every": Key(Integer(None, low=1, high=MOST_EPOCHS), "epochs between two checkpoints of a trial"),
}
SEED = Key(Integer(0, low=0, high=MOST_SEEDS), OPTIONAL["seed"])
RESOURCES: Keys = {
    "lanes": Key(
        Integer(None, low=1, high=10_000), "packs that train at a time, at most; `auto` for all that fit", word="auto"
    ),
    "device": Key(
        Choice("auto", ("auto", "cpu", "gpu")),
        "what lanes train on: `auto` is GPUs where the cluster has any, and `gpu` waits for them to come",
    ),
    "gpus_per_lane": Key(
        Number(1.0, low=0.0),
        "the share of a GPU that each lane owns; `auto` for as small a one as its memory allows",
        word="auto",
    ),
    "pack_width": Key(Integer(None, low=1, high=10_000), "trials that a pack trains at a time, or `auto`", word="auto"),
    "nodes": Key(
        Text("auto"),
        "the cluster's nodes that lanes may be on: those that offer this custom resource of Ray's, or this type of "
        "accelerator; `any`, of whatever kinds; or `auto`, which is all where their devices are of one kind",
    ),
    "priority": Key(
        Integer(0, low=-1000, high=1000),
        "among the studies of a cluster: lanes go to higher ones first, and are shared evenly by equal ones",
    ),
    "trial_timeout": Key(
        Number(None, low=1.0, high=MOST_SECONDS),
        "seconds after which a lane whose trials have come on by no step (in a training function of your own: by no "
        "report) is given up, and its trials are tried again; `auto`: 20 times the longest that a step took, but at "
        "least ten minutes, and an hour in a function of your own",
        word="auto",
    ),
    "outage_limit": Key(
        Number(900.0, low=0.0, high=1_000_000.0),
        "seconds for which the storage or MLflow may not answer: training goes on meanwhile, and what ends waits",
    ),
}
TRIAL_RESOURCES: Keys = {
    "cpus_per_trial": Key(
        Integer(1, low=1, high=1024), "cores that a training function of your own has for each trial, and its threads"
    ),
    "gpus_per_trial": Key(Number(0.0, low=0.0), "GPUs that it has for each trial, or the share of one"),
}
"""Keys that replace `device`, `gpus_per_lane` and `pack_width` where a training function of the user's trains."""


Predicts = Literal["classes", "numbers"]


def metric_key(catalogue: Catalogue, predicts: Predicts | None = None) -> Key:
    """The key `metric`; its default is the loss where the task predicts numbers, else the error."""
    names = tuple(name for name, one in catalogue.metrics.items() if not one.options)
    methods: dict[str, Kinds] = {
        name: {"goal": Choice(one.goal, (one.goal,)), "record": Words((), names), **one.options}
        for name, one in catalogue.metrics.items()
    }
    return Key(
        Table(methods, default="loss" if predicts == "numbers" else "error", searchable=False), OPTIONAL["metric"]
    )


def optimizers(catalogue: Catalogue) -> Choice:
    """The kind of an arm's optimizer."""
    return Choice(None, tuple(catalogue.optimizers))


def model_table(catalogue: Catalogue) -> Table:
    """The kind of a model, for a task that does not bring its own net."""
    return Table(catalogue.models, default=DEFAULT_MODEL, one_per="arm")


def task_table(catalogue: Catalogue) -> Table:
    """The kind of a bundled task."""
    return Table(catalogue.tasks, gaps=True)
