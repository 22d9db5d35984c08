"""What shapes a program can be an arm's own: its net, batch size, loss, preprocessing; and values for each layer."""

import pytest

from slalom.errors import StudyError
from slalom.study import Inspected, Reading
from slalom.study.ranges import Choices, IntRange, Range
from slalom.study.trials import trial_spec
from slalom.wire.trial import Phase, TrialId

NONE = "none:     {momentum: 0.0}"


def arm(edited, text, *changes):
    return edited((NONE, f"none: {{{text}}}"), *changes).arm("none")


def test_an_arm_changes_a_part_of_the_study_s_net(edited):
    assert arm(edited, "model: {hidden: [4, 3]}").settings["model"] == {
        "name": "mlp",
        "hidden": (4, 3),
        "activation": "tanh",
        "bias": True,
    }
    assert arm(edited, "model: {hidden: 4}").settings["model"]["hidden"] == (4,)
    bare = ("model: {name: mlp, hidden: [32], activation: tanh}", "model: mlp")
    assert arm(edited, "model: {activation: relu}", bare).settings["model"]["activation"] == "relu"
    gone = ("model: {name: mlp, hidden: [32], activation: tanh}\n", "")
    assert arm(edited, "model: {hidden: []}", gone).settings["model"]["hidden"] == ()
    assert arm(edited, "model: mlp").settings["model"]["activation"] == "tanh"


def test_a_width_and_a_batch_size_can_be_searched(edited):
    study = edited((NONE, "none: {model: {hidden: {int: [2, 9]}}, batch_size: {choice: [1, 16]}}"))
    searched = study.arm("none")
    assert searched.space["model.hidden"] == IntRange(2, 9)
    assert searched.space["batch_size"] == Choices((1, 16))
    params = {"learning_rate": 0.1, "weight_decay": 0.01, "model.hidden": 5, "batch_size": 16}
    trial = trial_spec(study, TrialId("none", Phase.TUNE, 0), params)
    assert (trial.work.model["hidden"], trial.work.batch_size) == (5, 16)
    assert trial.settings["weight_decay"] == {"of": "mean", "value": 0.01}
    assert not {"model", "batch_size", "loss", "preprocess"} & trial.settings.keys()


def test_trials_of_an_arm_that_searches_no_program_share_one(edited):
    study = edited()
    params = {"learning_rate": 0.1, "weight_decay": 0.01}
    trials = [trial_spec(study, TrialId("none", Phase.TUNE, number), params) for number in range(2)]
    assert trials[0].work is trials[1].work


def test_batch_sizes_losses_and_preprocessing_are_an_arm_s_own(edited):
    settings = arm(edited, "batch_size: all, loss: {name: squared_error, low: -0.7, high: 0.7}").settings
    assert settings["batch_size"] is None
    assert settings["loss"] == {"name": "squared_error", "low": -0.7, "high": 0.7, "output": "linear"}


def test_a_value_for_each_layer_is_named_by_its_number(edited):
    found = arm(edited, "layer_rates: [1, {log: [0.1, 10]}, 2.5], hidden_dropout: [0.1, 0.5], model: {hidden: [4, 4]}")
    assert found.settings["layer_rates"] == {"1": 1.0, "2": Range(0.1, 10.0, log=True), "3": 2.5}
    assert found.settings["hidden_dropout"] == {"1": 0.1, "2": 0.5}
    assert "layer_rates.2" in found.space


def test_weight_decay_says_which_loss_it_is_of(edited):
    assert arm(edited, "weight_decay: 0.1").settings["weight_decay"] == {"of": "mean", "value": 0.1}
    found = arm(edited, "weight_decay: {of: summed, value: {log: [0.01, 1]}}")
    assert found.settings["weight_decay"] == {"of": "summed", "value": Range(0.01, 1.0, log=True)}
    assert "weight_decay" in found.space


def test_a_method_written_out_can_be_searched_in_every_arm(edited):
    summed = ("weight_decay:  {log: [1e-6, 1e-2]}", "weight_decay: {of: summed, value: {log: [0.01, 1]}}")
    assert edited(summed).arm("none").settings["weight_decay"] == {"of": "summed", "value": Range(0.01, 1.0, log=True)}
    fixed = ("weight_decay:  {log: [1e-6, 1e-2]}", "weight_decay: {of: summed, value: 0.1}")
    with pytest.raises(StudyError, match=r"weight_decay must hold a distribution, got \{of: 'summed'"):
        edited(fixed)


REFUSED = {
    "a searched net": ("model: {choice: [mlp]}", "needs 'name'"),
    "a searched loss": ("loss: {name: squared_error, low: {uniform: [0, 1]}}", "cannot be searched"),
    "targets the wrong way round": ("loss: {name: squared_error, low: 1, high: 0}", "low < high must hold, got low=1"),
    "layer rates": ("layer_rates: [1, 2, 3]", "arm none: layer_rates must list a number for each of 2 layers, got 3"),
    "dropout": ("hidden_dropout: [0.1, 0.2]", "hidden_dropout must list a number for each of 1 hidden layers, got 2"),
    "a rate of a layer": ("layer_rates: [1, -2]", r"layer_rates\[1\] must be a number above 0, got -2"),
    "focus without probabilities": ("loss: squared_error, emphasis: focal", "emphasis focal is of cross-entropy"),
    "a word for a batch": (
        "batch_size: some",
        r"batch_size must be a whole number in \[1, 10000000\], or 'all', got 'some'",
    ),
    "a net under an unknown name": ("model: {name: mpl}", "name of model 'mpl' is unknown; did you mean 'mlp'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused(case, edited):
    text, message = REFUSED[case]
    with pytest.raises(StudyError, match=message):
        arm(edited, text)


def test_a_net_under_training_is_refused(edited):
    with pytest.raises(StudyError, match="model must stand beside training"):
        edited(("epochs: 40", "epochs: 40, model: mlp"))


NUMBERS = {
    "loss": (
        "loss: cross_entropy",
        "arm none: loss must be squared_error where the task predicts numbers, got cross_entropy",
    ),
    "targets": ("loss: {name: squared_error, low: -1}", "low and high are of classes"),
    "emphasis": ("loss: squared_error, emphasis: class_balanced", "emphasis class_balanced is one of classes"),
    "votes": ("loss: squared_error, ensemble: {members: 3, combine: vote}", "combine must be mean .* have no votes"),
}


UNNAMED = ("metric: {name: error, goal: minimize}\n", "")


@pytest.mark.parametrize("case", NUMBERS)
def test_what_is_of_classes_is_refused_where_numbers_are_predicted(case, edited, reading):
    text, message = NUMBERS[case]
    regression = Reading(reading.folder, reading.catalogue, lambda *_: Inspected("0" * 64, regression=True))
    with pytest.raises(StudyError, match=message):
        edited((NONE, f"none: {{{text}}}"), UNNAMED, reading=regression)


def test_numbers_are_judged_by_their_loss(edited, reading):
    regression = Reading(reading.folder, reading.catalogue, lambda *_: Inspected("0" * 64, regression=True))
    squared = ("optimizer: sgd", "optimizer: sgd, loss: squared_error")
    with pytest.raises(
        StudyError, match="must be one of loss, mae, rmse, r2 where the task predicts numbers, got error"
    ):
        edited(squared, reading=regression)
    study = edited(squared, ("name: error", "name: loss"), reading=regression)
    assert study.metric.name == "loss"
    assert edited(UNNAMED, reading=regression).metric == study.metric
    assert {arm.settings["loss"]["name"] for arm in edited(UNNAMED, reading=regression).arms} == {"squared_error"}
    tanh = "none: {loss: {name: squared_error, output: tanh}}"
    found = edited(UNNAMED, (NONE, tanh), reading=regression)
    assert [arm.settings["loss"]["output"] for arm in found.arms] == ["tanh", "linear", "linear", "linear"]
    assert edited().metric.name == edited(UNNAMED).metric.name == "error"


SEQUENCES = {
    "by name": ("[warm_up, cosine]", {"1.share": 0.1, "2.end": 0.0}),
    "with options": (
        "[{schedule: constant, share: 0.5}, {schedule: step, drops: 1}, {schedule: warm_up, share: 0.2}]",
        None,
    ),
    "searched": ("[{schedule: warm_up, share: {uniform: [0.01, 0.3]}}, cosine]", {"1.share": Range(0.01, 0.3)}),
}


@pytest.mark.parametrize("case", SEQUENCES)
def test_schedules_stand_one_after_the_other(case, edited):
    text, wanted = SEQUENCES[case]
    if wanted is None:
        with pytest.raises(StudyError, match="step needs 'share', a number in"):
            arm(edited, f"learning_rate_schedule: {text}")
        return
    found = arm(edited, f"learning_rate_schedule: {text}")
    schedule = found.settings["learning_rate_schedule"]
    assert schedule["schedule"] == "sequence"
    assert wanted.items() <= schedule.items()
    assert ("learning_rate_schedule.1.share" in found.space) == (case == "searched")


NO_SEQUENCES = {
    "[cosine]": "must list at least two",
    "[{schedule: warm_up, share: 0.6}, {schedule: warm_up, share: 0.4}, cosine]": "sum up to less than 1, got 1",
    "[warm_up, cosin]": "'cosin' is unknown; did you mean 'cosine'",
}


@pytest.mark.parametrize("text", NO_SEQUENCES)
def test_schedules_that_cannot_follow_one_another_are_refused(text, edited):
    with pytest.raises(StudyError, match=NO_SEQUENCES[text]):
        arm(edited, f"learning_rate_schedule: {text}")
