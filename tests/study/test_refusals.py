"""Every rule of the study file, broken once: the message says where, which rule, which value, and what was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from slalom.errors import InputError, StudyError
from slalom.study import Inspected, Reading, read_study

if TYPE_CHECKING:
    from pathlib import Path

    from slalom.wire.kinds import Catalogue

HERE = "▶"
"""Marks, in the replacement, the place that the message must give."""

LEARNING_RATE = "learning_rate: {log: [1e-3, 1.0]}"
NONE = "none:     {momentum: 0.0}"

# what is replaced in the example, by what, and words that the message must hold
CASES: dict[str, tuple[str, str, list[str]]] = {
    # keys
    "unknown key": ("compare:", "▶compere:", ["the study", "'compere'", "did you mean 'compare'?"]),
    "unknown key in a section": ("epochs: 40", "▶epoch: 40", ["training", "'epoch'", "did you mean 'epochs'?"]),
    "unknown key in an arm": (NONE, "none: {▶momentun: 0}", ["arm none", "'momentun'", "did you mean 'momentum'?"]),
    "no space after a colon": ("{seeds: 30}", "{▶seeds:30}", ["'seeds:30'", "a colon needs a space behind it"]),
    "missing key": ("name: momentum-schedules\n", "", ["the study needs 'name'"]),
    "missing key in a section": ("training: {epochs: 40, ", "▶training: {", ["training needs 'epochs'"]),
    "doubled key": ("compare:", "▶name: again\ncompare:", ["once", "'name'", "study.yaml:1:1"]),
    "doubled arm": ("constant:", "▶none:", ["once", "'none'", "study.yaml:11:3"]),
    "section is no mapping": ("tune:    {trials: 32, sampler: tpe, pruner: successive_halving}", "tune: ▶32", ["32"]),
    "empty section": ("confirm: {seeds: 30}", "▶confirm:", ["confirm must be a mapping", "nothing"]),
    # texts
    "name with a space": ("momentum-schedules", "▶momentum schedules", ["letters", "'momentum schedules'"]),
    "name that climbs": ("momentum-schedules", "▶../up", ["letter or digit first", "'../up'"]),
    "name is a number": ("momentum-schedules", "▶2024", ["must be a text", "2024", "quotes"]),
    "question is empty": (
        "question: Does raising momentum from 0.5 to 0.9 as gradients shrink beat holding it at 0.9?",
        "▶question:",
        ["question must be a text", "nothing"],
    ),
    # task and model
    "unknown task": ("task: digits ", "task: ▶digit ", ["'digit'", "did you mean 'digits'?"]),
    "unknown option of a task": ("task: digits ", "task: {name: digits, ▶rar: [3]} ", ["'rar'", "'rare'"]),
    "task's option of another kind": (
        "task: digits ",
        "task: {name: digits, rare: ▶three} ",
        ["rare of digits must be a list of whole numbers", "got 'three'"],
    ),
    "task without a name": ("task: digits ", "task: ▶{rare: [3]} ", ["needs 'name'", "digits"]),
    "task's file is not there": ("task: digits ", "task: ▶cats.py:Cats ", ["readable", "cats.py"]),
    "task's file without a class": ("task: digits ", "task: {name: ▶cats.py} ", ["file.py:Class", "'cats.py'"]),
    "unknown model": ("{name: mlp,", "{name: ▶mlpp,", ["'mlpp'", "did you mean 'mlp'?"]),
    "unknown activation": ("activation: tanh", "activation: ▶tan", ["'tan'", "did you mean 'tanh'?"]),
    "hidden is a word": ("hidden: [32]", "hidden: ▶wide", ["list of whole numbers", "got 'wide'"]),
    "hidden layer without units": (
        "hidden: [32]",
        "hidden: ▶[32, 0]",
        ["whole numbers in [1, 65536]", "[32, 0]"],
    ),
    "hidden layer without end": ("hidden: [32]", "hidden: ▶[100000000000]", ["whole numbers in [1, 65536]"]),
    "more layers than a net has": ("hidden: [32]", f"hidden: ▶{[1] * 101}", ["at most 100 of them"]),
    "model is searched": ("{name: mlp,", "{name: ▶{choice: [mlp, cnn]},", ["cannot be searched", "an arm of its own"]),
    # training
    "no epochs": ("epochs: 40", "epochs: ▶0", ["epochs must be a whole number in [1, 1000000]", "got 0"]),
    "epochs without end": ("epochs: 40", f"epochs: ▶{10**40}", ["in [1, 1000000]", f"got {10**40}"]),
    "batch without end": ("batch_size: 32", f"batch_size: ▶{2**63}", ["in [1, 10000000]", f"got {2**63}"]),
    "half an epoch": ("epochs: 40", "epochs: ▶0.5", ["whole number", "got 0.5"]),
    "epochs in quotes": ("epochs: 40", "epochs: ▶'40'", ["whole number", "got '40'"]),
    "epochs are searched": ("epochs: 40", "epochs: ▶{int: [1, 5]}", ["epochs cannot be searched", "{int: [1, 5]}"]),
    "unknown word for batch_size": ("batch_size: 32", "batch_size: ▶al", ["in [1, 10000000], or 'all'", "'al'"]),
    "unknown precision": ("epochs: 40", "epochs: 40, precision: ▶float16", ["precision 'float16'", "float32, float64"]),
    "report after the end": ("epochs: 40", "epochs: 40, report_every: ▶41", ["[1, epochs=40]", "got 41"]),
    "checkpoint without a number": ("confirm:", "▶checkpoint: {}\nconfirm:", ["checkpoint needs 'every'"]),
    "checkpoint is a number": ("confirm:", "checkpoint: ▶5\nconfirm:", ["checkpoint must be a mapping", "5"]),
    "checkpoint of no epochs": ("confirm:", "checkpoint: {every: ▶0}\nconfirm:", ["in [1, 1000000]", "got 0"]),
    "checkpoint at the end": (
        "confirm:",
        "checkpoint: {every: ▶40}\nconfirm:",
        ["every of checkpoint must be below epochs=40, got 40"],
    ),
    "unknown word to record": (
        "epochs: 40",
        "epochs: 40, record: ▶[gradients]",
        ["gradient, curvature", "['gradients']"],
    ),
    "recorded twice": ("epochs: 40", "epochs: 40, record: ▶[gradient, gradient]", ["each at most once"]),
    "record is no list": ("epochs: 40", "epochs: 40, record: ▶gradient", ["record must be a list", "got 'gradient'"]),
    "dropout that is no number": ("epochs: 40", "epochs: 40, hidden_dropout: ▶.nan", ["[0, 1)", "got nan"]),
    # metric
    "unknown metric": ("name: error", "name: ▶eror", ["'eror'", "did you mean 'error'?"]),
    "goal the wrong way round": ("goal: minimize", "goal: ▶maximize", ["goal of error must be minimize", "'maximize'"]),
    # distributions
    "unknown distribution": ("{log: [1e-3", "{▶lag: [1e-3", ["learning_rate", "'lag'", "did you mean 'log'?"]),
    "two distributions": (
        LEARNING_RATE,
        "learning_rate: ▶{log: [1e-3, 1], uniform: [0, 1]}",
        ["exactly one key", "uniform, log, int, choice"],
    ),
    "low above high": ("[1e-3, 1.0]", "▶[1.0, 1e-3]", ["low < high must hold", "low=1.0, high=0.001"]),
    "low is high": ("[1e-3, 1.0]", "▶[0.1, 0.1]", ["low < high must hold", "low=0.1", "write the number alone"]),
    "one bound": ("[1e-3, 1.0]", "▶[1e-3]", ["log of learning_rate must be [low, high]", "[0.001]"]),
    "bounds are no list": ("[1e-3, 1.0]", "▶0.1", ["must be a list", "got 0.1"]),
    "bound outside the range": ("[1e-3, 1.0]", "[▶0, 1.0]", ["low end of learning_rate", "above 0", "got 0"]),
    "bound at the open end": ("[0.0, 0.99]", "[0.0, ▶1.0]", ["high end of momentum", "[0, 1)", "got 1.0"]),
    "logarithm of zero": ("[1e-6, 1e-2]", "▶[0, 1e-2]", ["weight_decay", "low > 0 must hold", "low=0.0"]),
    "int between halves": ("{log: [1e-3, 1.0]}", "{int: [1, ▶2.5]}", ["whole numbers", "got 2.5"]),
    "choice of nothing": ("{log: [1e-3, 1.0]}", "{choice: ▶[]}", ["at least two options", "got []"]),
    "choice twice": ("{log: [1e-3, 1.0]}", "{choice: ▶[1, 1.0]}", ["options must differ", "[1.0, 1.0]"]),
    "choice of another kind": (
        "{log: [1e-3, 1.0]}",
        "{choice: [0.1, ▶fast]}",
        ["an option of learning_rate", "'fast'"],
    ),
    "range of words": (
        "weight_decay:  {log:",
        "decay_biases: {▶log:",
        ["decay_biases must be true or false", "'log' cannot draw"],
    ),
    # search
    "unknown setting": ("weight_decay: ", "▶weight_decays: ", ["search", "did you mean 'weight_decay'?"]),
    "fixed under search": ("weight_decay:  {log: [1e-6, 1e-2]}", "weight_decay: ▶0.1", ["distribution", "got 0.1"]),
    "searched scheme": (
        "weight_decay:  {log: [1e-6, 1e-2]}",
        "emphasis: ▶{choice: [uniform, class_balanced]}",
        ["emphasis cannot be searched", "an arm of its own"],
    ),
    "searched and fixed for all": (
        "optimizer: sgd}\nmetric: {name: error, goal: minimize}\nsearch:   ",
        "optimizer: sgd, weight_decay: 0.1}\nmetric: {name: error, goal: minimize}\nsearch:   ",
        ["weight_decay must be set once", "study.yaml:5:56"],
    ),
    "search that no arm follows": (
        "weight_decay:  {log: [1e-6, 1e-2]}",
        "▶momentum: {uniform: [0, 0.9]}",
        ["momentum under search has no effect", "every arm sets its own"],
    ),
    "search that an arm cannot follow": (
        "weight_decay: ",
        "epsilon: ",
        ["arm none", "epsilon of search unused", "optimizer sgd has no epsilon", "adagrad, adam, adamw and amsgrad"],
    ),
    # arms
    "one arm": (
        "  none:     {momentum: 0.0}\n  constant: {momentum: 0.9}\n"
        "  rising:   {momentum: {schedule: gradient_norm, start: 0.5, end: 0.9}}\n",
        "",
        ["at least two arms", "got 1"],
    ),
    "arm with a bad name": (NONE, "▶no momentum: {momentum: 0.0}", ["letters", "'no momentum'"]),
    "arm of nothing": (NONE, "▶none:", ["arm none must be a mapping", "nothing", "write {}"]),
    "twins": ("constant: {momentum: 0.9}", "▶constant: {momentum: {schedule: constant, value: 0.0}}", ["'none'"]),
    "unknown optimizer": (NONE, "none: {optimizer: ▶adan}", ["optimizer 'adan'", "did you mean 'adam'?"]),
    "searched optimizer": (
        NONE,
        "none: {optimizer: ▶{choice: [sgd, adam]}}",
        ["optimizer cannot be searched", "an arm of its own"],
    ),
    "ensemble of one": (NONE, "none: {ensemble: {members: ▶1}}", ["members of mean", "in [2, 1000]", "got 1"]),
    "ensemble of nobody": (
        NONE,
        "none: {ensemble: ▶{bagging: true}}",
        ["ensemble mean needs 'members'", "in [2, 1000]"],
    ),
    "ensemble of a searched size": (
        NONE,
        "none: {ensemble: {members: ▶{int: [2, 9]}}}",
        ["members of mean cannot be searched", "{int: [2, 9]}"],
    ),
    "ensemble with searched bags": (
        NONE,
        "none: {ensemble: {members: 5, bagging: ▶{choice: [true, false]}}}",
        ["bagging of mean cannot be searched"],
    ),
    "searched ensemble": (
        NONE,
        "none: {ensemble: ▶{choice: [none, mean]}}",
        ["ensemble cannot be searched", "each arm has one", "an arm of its own"],
    ),
    "ensemble that every arm searches": (
        "weight_decay:  {log: [1e-6, 1e-2]}",
        "ensemble: ▶{choice: [none, mean]}",
        ["ensemble cannot be searched", "an arm of its own"],
    ),
    "unknown way to combine": (
        NONE,
        "none: {ensemble: {combine: ▶voting, members: 5}}",
        ["combine of ensemble 'voting'", "did you mean 'vote'?"],
    ),
    "unknown key of an ensemble": (
        NONE,
        "none: {ensemble: {▶member: 5}}",
        ["ensemble mean has the unknown key 'member'", "did you mean 'members'?"],
    ),
    "no optimizer": (", optimizer: sgd", "", ["arm none needs an optimizer", "sgd, momentum"]),
    "no learning rate": ("  learning_rate: {log: [1e-3, 1.0]}\n", "", ["arm none needs a learning_rate"]),
    "another optimizer's setting": (
        NONE,
        "none: {▶beta1: 0.5}",
        ["sgd has no beta1", "adam, adamw and amsgrad have it"],
    ),
    "momentum of an optimizer without": (
        NONE,
        "none: {optimizer: adam, ▶momentum: 0.5}",
        ["optimizer adam has no momentum", "sgd, momentum, nesterov and alexnet have it"],
    ),
    "momentum out of range": (NONE, "none: {momentum: ▶1}", ["momentum must be a number in [0, 1)", "got 1"]),
    "momentum is a yes": (NONE, "none: {momentum: ▶true}", ["[0, 1)", "got true"]),
    "unknown schedule": (NONE, "none: {momentum: ▶sutskever2}", ["'sutskever2'", "did you mean 'sutskever'?"]),
    "mistyped distribution": (NONE, "none: {momentum: ▶{unifrom: [0, 1]}}", ["did you mean 'uniform'?"]),
    "schedule without its name": (NONE, "none: {momentum: ▶{start: 0.5}}", ["needs 'schedule' or a distribution"]),
    "unknown part of a schedule": ("start: 0.5", "▶strat: 0.5", ["momentum gradient_norm", "did you mean 'start'?"]),
    "schedule's part out of range": ("start: 0.5", "start: ▶1.5", ["start of gradient_norm", "[0, 1)", "got 1.5"]),
    "searched schedule": ("schedule: gradient_norm", "schedule: ▶{choice: [gradient_norm]}", ["an arm of its own"]),
    "unknown scheme": (NONE, "none: {emphasis: ▶unifrom}", ["emphasis 'unifrom'", "did you mean 'uniform'?"]),
    # tune, confirm, compare, resources
    "seeds without end": ("seeds: 30", f"seeds: ▶{10**18}", ["in [1, 10000]", f"got {10**18}"]),
    "more trials than records hold": (
        "tune:    {trials: 32,",
        "▶tune: {trials: 100000, searches: 1000,",
        ["at most 10,000,000 trials, got 400,168,000: 4 arms, 1000 searches of each, 100,042 trials in each search"],
    ),
    "no trials": ("trials: 32", "trials: ▶0", ["trials must be a whole number in [1, 100000]", "got 0"]),
    "unknown sampler": ("sampler: tpe", "sampler: ▶tpee", ["sampler 'tpee'", "did you mean 'tpe'?"]),
    "grid of real numbers": ("sampler: tpe", "sampler: ▶grid", ["int range", "learning_rate of arm none", "0.001"]),
    "halving that keeps all": (
        "pruner: successive_halving",
        "pruner: {name: successive_halving, factor: ▶1}",
        ["factor of successive_halving", "in [2, 1000]", "got 1"],
    ),
    "option of another pruner": ("pruner: successive_halving", "pruner: {name: none, ▶factor: 3}", ["'factor'"]),
    "no confirm seeds": ("seeds: 30", "seeds: ▶0", ["seeds must be a whole number in [1, 10000]", "got 0"]),
    # searches and picks
    "no searches": (
        "trials: 32",
        "trials: 32, searches: ▶0",
        ["searches must be a whole number in [1, 1000]", "0"],
    ),
    "half a search": ("trials: 32", "trials: 32, searches: ▶2.5", ["searches must be a whole number", "got 2.5"]),
    "searches that are searched": (
        "trials: 32",
        "trials: 32, searches: ▶{int: [1, 9]}",
        ["searches cannot be searched", "whole number in [1, 1000]"],
    ),
    "searches until something else": (
        "trials: 32",
        "trials: 32, searches: {at_least: 10, at_most: 40, until: ▶decide}",
        ["until of searches 'decide' is unknown", "did you mean 'decided'?"],
    ),
    "searches without until": (
        "trials: 32",
        "trials: 32, searches: ▶{at_least: 10, at_most: 40}",
        ["searches needs 'until', one of count, decided", "{at_least: 10, at_most: 40}"],
    ),
    "searches from too few on": (
        "trials: 32",
        "trials: 32, searches: {at_least: ▶5, at_most: 40, until: decided}",
        ["at_least of decided must be a whole number in [6, 1000]", "got 5"],
    ),
    "searches down": (
        "trials: 32",
        "trials: 32, searches: ▶{at_least: 20, at_most: 10, until: decided}",
        ["at_least of searches must be at most at_most=10, got 20"],
    ),
    "a default that is above": (
        "trials: 32",
        "trials: 32, searches: ▶{at_most: 8, until: decided}",
        ["at_least of searches must be at most at_most=8, got 10"],
    ),
    "searches with a key of their own": (
        "trials: 32",
        "trials: 32, searches: {▶at_last: 10, until: decided}",
        ["searches decided has the unknown key 'at_last'", "did you mean 'at_least'?"],
    ),
    "a pick of one": ("trials: 32", "trials: 32, pick: {best: ▶1}", ["best of mean", "[2, 1000]", "got 1"]),
    "a pick from no seed": ("trials: 32", "trials: 32, pick: {seeds: ▶0}", ["seeds of mean", "[1, 1000]", "got 0"]),
    "a pick of something": ("trials: 32", "trials: 32, pick: ▶nobody", ["pick 'nobody' is unknown", "mean, none"]),
    "a pick with a key of its own": (
        "trials: 32",
        "trials: 32, pick: {▶beast: 4}",
        ["pick mean has the unknown key 'beast'", "did you mean 'best'?"],
    ),
    "seeds of no pick": ("trials: 32", "trials: 32, pick: {by: none, ▶seeds: 3}", ["pick none", "'seeds'"]),
    # resample, seed, margin
    "unknown split": (
        "confirm:",
        "resample: {split: ▶each_serch}\nconfirm:",
        ["split must be one of each_search, fixed, or 'auto'", "got 'each_serch'", "did you mean 'each_search'?"],
    ),
    "resample with a key of its own": ("confirm:", "resample: {▶splits: fixed}\nconfirm:", ["did you mean 'split'?"]),
    "resample is a word": ("confirm:", "resample: ▶fixed\nconfirm:", ["resample must be a mapping", "'fixed'"]),
    "negative seed": ("confirm:", "seed: ▶-1\nconfirm:", ["seed must be a whole number", "got -1"]),
    "seed in quotes": ("confirm:", "seed: ▶'1'\nconfirm:", ["seed must be a whole number", "got '1'"]),
    "no margin": ("alpha: 0.05", "alpha: 0.05, margin: ▶0", ["margin must be a number above 0", "got 0"]),
    "unknown word for margin": ("alpha: 0.05", "alpha: 0.05, margin: ▶nope", ["or 'none'", "'nope'"]),
    "baseline is no arm": ("baseline: constant", "baseline: ▶constent", ["not an arm", "did you mean 'constant'?"]),
    "alpha of a half": ("alpha: 0.05", "alpha: ▶0.5", ["alpha must be a number in (0, 0.5)", "got 0.5"]),
    "no lanes": ("lanes: auto", "lanes: ▶0", ["lanes must be a whole number in [1, 10000]", "got 0"]),
    "unknown word for lanes": ("lanes: auto", "lanes: ▶many", ["or 'auto'", "'many'"]),
    "a GPU and a half": ("gpus_per_lane: 1", "gpus_per_lane: ▶1.5", ["whole number where it is above 1", "1.5"]),
}

# places that the replacement cannot mark, since they stand elsewhere
ELSEWHERE = {
    "missing key": "1:1",
    "searched and fixed for all": "9:3",
    "search that an arm cannot follow": "11:3",
    "one arm": "10:1",
    "no optimizer": "11:3",
    "no learning rate": "10:3",
}


def place_of(text: str) -> str:
    before = text[: text.index(HERE)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


@pytest.mark.parametrize("case", CASES)
def test_a_broken_rule_is_told_with_place_rule_value_and_suggestion(case, example, reading, inspector):
    old, new, words = CASES[case]
    assert old in example
    marked = example.replace(old, new, 1)
    place = ELSEWHERE.get(case) or place_of(marked)
    with pytest.raises(StudyError) as refusal:
        read_study(marked.replace(HERE, ""), "study.yaml", reading)
    assert str(refusal.value).startswith(f"study.yaml:{place}: ")
    assert [word for word in words if word not in refusal.value.message] == []
    assert inspector.seen == []


@pytest.mark.parametrize(
    ("trials", "refused"), [(5, True), (6, False), (7, False)], ids=["too few", "just so", "more than enough"]
)
def test_a_grid_must_fit_its_trials(trials, refused, example, reading):
    text = (
        example.replace("{log: [1e-3, 1.0]}", "{choice: [0.01, 0.1, 1.0]}")
        .replace("weight_decay:  {log: [1e-6, 1e-2]}", "decay_biases: {choice: [true, false]}")
        .replace("  tuned:    {momentum: {uniform: [0.0, 0.99]}}\n", "")
        .replace("trials: 32, sampler: tpe", f"trials: {trials}, sampler: grid")
    )
    if not refused:
        assert read_study(text, "study.yaml", reading).tune.trials == trials
        return
    with pytest.raises(StudyError, match="6 points in arm none, got 5"):
        read_study(text, "study.yaml", reading)


ARMS = ("none:     {", "constant: {", "rising:   {", "tuned:    {")


@pytest.mark.parametrize("shared", ["model: nonsense", "model: {name: convnet, channels: [4]}"])
def test_a_model_that_reaches_no_arm_is_refused(edited, shared):
    """One that an arm uses is checked with that arm."""
    own = [(arm, f"{arm}model: mlp, ") for arm in ARMS]
    written = ("model: {name: mlp, hidden: [32], activation: tanh}", shared)
    with pytest.raises(StudyError, match=r"study\.yaml:4:1: model of the study has no effect"):
        edited(written, *own)
    assert edited((written[0], "model: {hidden: [8]}"), *[(arm, f"{arm}model: {{name: mlp}}, ") for arm in ARMS])


def test_a_setting_that_reaches_no_arm_is_refused(edited):
    with pytest.raises(StudyError, match=r"study\.yaml:5:56: momentum under training has no effect"):
        edited(("optimizer: sgd", "optimizer: sgd, momentum: 0.1"))


def test_a_shared_setting_that_an_arm_cannot_use_is_refused_at_the_arm(edited):
    with pytest.raises(StudyError, match=r"study\.yaml:11:3: arm none leaves momentum of training unused"):
        edited(("optimizer: sgd", "optimizer: sgd, momentum: 0.1"), (NONE, "none: {optimizer: adam}"))


def test_a_split_for_each_search_is_refused_where_the_task_has_one_alone(edited, reading: Reading):
    one = Reading(reading.folder, reading.catalogue, lambda *_: Inspected("0" * 64, splits="one"))
    with pytest.raises(StudyError, match=r"study\.yaml:16:19: split must be fixed .* as digits has, got each_search"):
        edited(("confirm:", "resample: {split: each_search}\nconfirm:"), reading=one)
    for kept in ("fixed", "auto"):
        assert not edited(("confirm:", f"resample: {{split: {kept}}}\nconfirm:"), reading=one).resampled
    assert not edited(reading=one).resampled


def test_what_the_task_refuses_is_told_at_the_task(example, catalogue: Catalogue, tmp_path: Path):
    def inspect(*_: object) -> Inspected:
        raise InputError("rare must list digits in [0, 10), but got 11")

    with pytest.raises(StudyError, match=r"study\.yaml:3:7: rare must list digits .* got 11"):
        read_study(example, "study.yaml", Reading(tmp_path, catalogue, inspect))


def test_a_model_beside_the_task_s_own_is_refused(edited, reading: Reading):
    own = Reading(reading.folder, reading.catalogue, lambda *_: Inspected("0" * 64, has_model=True))
    with pytest.raises(
        StudyError, match=r"study\.yaml:4:1: model must be left out .* as digits does, got \{name: 'mlp'"
    ):
        edited(reading=own)
    model = "model: {name: mlp, hidden: [32], activation: tanh}\n"
    assert edited((model, ""), reading=own).arm("none").settings["model"] == {"name": "task"}
    assert edited((model, "")).arm("none").settings["model"]["hidden"] == (32,)
    with pytest.raises(StudyError, match=r"study\.yaml:10:29: model must be left out"):
        edited((model, ""), ("{momentum: 0.0}", "{momentum: 0.0, model: {hidden: 3}}"), reading=own)
