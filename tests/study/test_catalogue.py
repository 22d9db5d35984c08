from __future__ import annotations

import subprocess
import sys

from slalom.wire.kinds import Integer, Integers, Number, Text
from slalom_worker.catalogue import CATALOGUE


def test_the_catalogue_holds_every_table():
    assert {"digits", "fashion_mnist", "mixture"} <= CATALOGUE.tasks.keys()
    assert "mlp" in CATALOGUE.models
    assert {"sgd", "adam"} <= CATALOGUE.optimizers.keys()
    assert CATALOGUE.momentum == {"sgd": 0.0, "momentum": 0.9, "nesterov": 0.9, "alexnet": 0.9}


def test_the_reader_s_defaults_are_in_it():
    assert "constant" in CATALOGUE.rate_schedules
    assert "uniform" in CATALOGUE.emphasis
    assert isinstance(CATALOGUE.momentum_schedules["constant"]["value"], Number)


def test_every_default_is_of_its_kind():
    tables = [CATALOGUE.tasks, CATALOGUE.models, CATALOGUE.optimizers]
    tables += [CATALOGUE.momentum_schedules, CATALOGUE.rate_schedules, CATALOGUE.emphasis, CATALOGUE.augmentation]
    for table in tables:
        for method, kinds in table.items():
            for name, kind in kinds.items():
                assert kind.default is None or kind.default in kind, (method, name)


def test_reading_a_study_loads_neither_torch_nor_a_vendor():
    code = (
        "import sys, slalom.study, slalom_worker.catalogue; "
        "print(sorted({'torch', 'ray', 'mlflow', 'optuna'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_kind_says_what_it_takes():
    kinds = [Number(None), Number(None, 0.0), Number(None, 0.0, open_low=True), Number(None, 0.0, 1.0, open_high=True)]
    assert [str(kind) for kind in kinds] == [
        "a number",
        "a number, at least 0",
        "a number above 0",
        "a number in [0, 1)",
    ]
    assert str(Integer(None, 1, 5)) == "a whole number in [1, 5]"
    assert (str(Text()), str(Integers(None, 1, 5))) == (
        "a text",
        "a list of whole numbers in [1, 5], at most 100 of them",
    )
    assert [99] * 101 not in Integers(None, 1, 99)


def test_no_kind_of_number_takes_what_is_not_finite():
    for value in (float("inf"), float("-inf"), float("nan"), 10**400, True):
        assert value not in Number(None)
