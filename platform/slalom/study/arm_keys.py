"""The keys that an arm of a study file can hold, with their kinds, defaults and meanings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slalom.study.key import Key, Keys, Table
from slalom.study.keys import OWN, model_table, optimizers
from slalom.wire.evaluation import EVALUATIONS, WHOLE
from slalom.wire.kinds import (
    MOST_EPOCHS,
    MOST_EXAMPLES,
    Choice,
    Integer,
    Kinds,
    Number,
    PerLayer,
    flag,
    fraction,
    positive,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slalom.wire.kinds import Catalogue

ANY_ARM: Keys = {
    "learning_rate": Key(positive(), "the step size; every arm sets or searches it"),
    "layer_rates": Key(PerLayer(positive(1.0)), "factors of the learning rate, one for each layer"),
    "clip_norm": Key(
        positive(),
        "the largest norm of a trial's gradient over all parameters, to which longer ones are shortened",
        "none",
    ),
    "weight_decay": Key(
        Table(
            {"mean": {"value": Number(0.0, low=0.0)}, "summed": {"value": Number(None, low=0.0)}},
            "of",
            default="mean",
            number=("mean", "value"),
            one_per="arm",
        ),
        "lambda of the L2 penalty: a number of the mean loss, lambda / 2 * sum(w^2), so that lambda * w is added to "
        "its gradient; `of: summed`, lambda * sum(w^2) added to the loss summed over the training examples",
    ),
    "decay_biases": Key(flag(True), "whether the weight decay takes the biases too"),
    "input_dropout": Key(fraction(0.0), "the share of inputs that are dropped"),
    "hidden_dropout": Key(PerLayer(fraction(0.0)), "the share of hidden units that are dropped"),
}


EARLY_STOPPING = Key(
    Table(
        {"none": {}, "validation": {"patience": Integer(None, low=1, high=MOST_EPOCHS)}},
        "by",
        default="none",
        implied="validation",
        number=("validation", "patience"),
        one_per="arm",
    ),
    "the net with the least validation loss after an epoch is kept, and training ends after so many epochs without a "
    "smaller one: a number, the patience",
)

EVALUATION = Key(
    Table(EVALUATIONS, "by", default=WHOLE["by"], one_per="arm", searchable=False),
    "what of a picture a net sees: the whole of it, or its `center`, a square of `size` pixels a side; `ten_crop`: "
    "measured by the mean prediction of ten such squares, four corners, center and their mirror images",
)

MEMBERS: Kinds = {"members": Integer(None, low=2, high=1000), "bagging": flag(False)}
ENSEMBLE = Key(
    Table(
        {"none": {}, "mean": MEMBERS, "vote": MEMBERS},
        "combine",
        default="none",
        implied="mean",
        one_per="arm",
        searchable=False,
    ),
    "several nets in place of one, from other initial weights, that answer together: by their mean, or by a vote; "
    "`bagging`: each learns from a bootstrap sample of its own",
)


def arm_keys(catalogue: Catalogue, optimizer: str) -> Keys:
    """The keys that an arm with this optimizer can hold, in the order of its resolved settings."""
    keys = {**settings_of_arms(catalogue)}
    if catalogue.own_task is not None:
        own = Table({OWN: catalogue.own_task}, default=OWN, implied=OWN, one_per="arm")
        keys["task"] = Key(own, "options of the task, where they are others than the study's")
    if optimizer in catalogue.momentum:
        keys["momentum"] = _momentum_key(catalogue, catalogue.momentum[optimizer])
    hyperparameters = catalogue.optimizers[optimizer]
    return keys | {name: Key(kind, f"{name} of {optimizer}") for name, kind in hyperparameters.items()}


def settings_of_arms(catalogue: Catalogue) -> Keys:
    """The keys that an arm can hold whatever its optimizer, in the order of its resolved settings."""
    return {
        "model": Key(model_table(catalogue), "the net, where it is another than the study's, or what is other in it"),
        "batch_size": Key(Integer(32, low=1, high=MOST_EXAMPLES), "examples of a step, or `all`", word="all"),
        "drop_last": Key(flag(False), "whether an epoch leaves out the examples that make no whole batch"),
        "order": Key(
            Choice("each_epoch", ("each_epoch", "once")),
            "the order in which examples come: shuffled anew in `each_epoch`, or `once` in a trial, and replayed",
        ),
        "loss": Key(
            Table(catalogue.losses, default="cross_entropy", one_per="arm", searchable=False), "what is minimised"
        ),
        "preprocess": Key(
            Choice("none", tuple(catalogue.preprocessing)),
            "what is done to the inputs, learned from the training examples",
        ),
        "evaluation": EVALUATION,
        "augmentation": Key(
            Table(catalogue.augmentation, "method", default="none", one_per="arm", sequence=True, shares=False),
            "how training pictures are changed, anew at each use: a method, or a list of them, one after the other",
        ),
        "initialization": Key(
            Table(catalogue.initializations, "scheme", default="fan_in", one_per="arm"), "how weights are drawn"
        ),
        "optimizer": Key(optimizers(catalogue), "the way from gradients to steps"),
        "learning_rate": ANY_ARM["learning_rate"],
        "learning_rate_schedule": Key(
            Table(catalogue.rate_schedules, "schedule", default="constant", one_per="arm", sequence=True),
            "how the learning rate changes while a trial trains",
        ),
        **ANY_ARM,
        "emphasis": Key(
            Table(catalogue.emphasis, "scheme", default="uniform", one_per="arm"), "how often examples are presented"
        ),
        "early_stopping": EARLY_STOPPING,
        "ensemble": ENSEMBLE,
    }


def _momentum_key(catalogue: Catalogue, default: float) -> Key:
    # a constant momentum has no default of its own: each optimizer has another
    constant = catalogue.momentum_schedules["constant"]["value"]
    if not isinstance(constant, Number):
        raise TypeError(f"a constant momentum must be a Number, got {constant!r}")
    schedules = {**catalogue.momentum_schedules, "constant": {"value": replace(constant, default=default)}}
    table = Table(schedules, "schedule", default="constant", number=("constant", "value"), one_per="arm")
    return Key(table, "a number, or how it changes while a trial trains")


def all_arm_keys(catalogue: Catalogue) -> Mapping[str, tuple[Key, ...]]:
    """Every key that an arm can hold, by name; a name has several where its kind depends on the optimizer."""
    keys: dict[str, tuple[Key, ...]] = {}
    for optimizer in catalogue.optimizers:
        for name, key in arm_keys(catalogue, optimizer).items():
            known = keys.get(name, ())
            if all(key.kind != other.kind for other in known):
                keys[name] = (*known, key)
    return keys
