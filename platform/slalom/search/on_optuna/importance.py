"""Which of an arm's hyperparameters matter, by Optuna.

Source: Watanabe, Bansal, Hutter 2023, "PED-ANOVA: Efficiently quantifying hyperparameter importance in arbitrary
subspaces", which is Optuna's default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
from optuna.importance import get_param_importances
from optuna.trial import TrialState

from slalom.search.on_optuna.translate import direction, quiet, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slalom.study.model import Arm, StudySpec
    from slalom.wire.trial import Ended

LEAST = 10
"""The fewest completed trials for importances: PED-ANOVA looks at the best tenth, here one trial."""


def importances(spec: StudySpec, arm: Arm, trials: Sequence[Ended]) -> dict[str, float]:
    """The importance of each hyperparameter, by dotted name: its share in what tells the best tenth of trials from all.

    trials: the arm's tuning trials, of any searches; only completed ones count
    Gives {} where fewer than two hyperparameters are searched, or fewer than LEAST trials completed. The same trials
    give the same numbers.
    """
    quiet()
    known = [shown(trial, spec) for trial in trials]
    complete = [trial for trial in known if trial.state is TrialState.COMPLETE]
    if len(arm.space) < 2 or len(complete) < LEAST:
        return {}
    study = optuna.create_study(direction=direction(spec.metric))
    study.add_trials(complete)
    found = get_param_importances(study)
    return {name: float(found[name]) for name in arm.space}
