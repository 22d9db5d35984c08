"""The catalogue of what a study can name, for the study file's checker. It loads without torch."""

from __future__ import annotations

from slalom.wire.kinds import Catalogue
from slalom_worker.emphasis import EMPHASIS
from slalom_worker.initializations import INITIALIZATIONS
from slalom_worker.losses import LOSSES
from slalom_worker.models import MODELS
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.preprocessing import PREPROCESSING
from slalom_worker.schedules import MOMENTUM_SCHEDULES, RATE_SCHEDULES
from slalom_worker.tasks import TASKS

CATALOGUE = Catalogue(
    tasks={name: task.options for name, task in TASKS.items()},
    models={name: model.structure for name, model in MODELS.items()},
    layers={name: model.layers for name, model in MODELS.items()},
    weights={name: model.weights for name, model in MODELS.items()},
    losses={name: loss.parameters for name, loss in LOSSES.items()},
    preprocessing=tuple(PREPROCESSING),
    initializations={name: way.parameters for name, way in INITIALIZATIONS.items()},
    optimizers={name: optimizer.hyperparameters for name, optimizer in OPTIMIZERS.items()},
    momentum={name: optimizer.momentum for name, optimizer in OPTIMIZERS.items() if optimizer.momentum is not None},
    full_batch={name: optimizer.full_batch for name, optimizer in OPTIMIZERS.items() if optimizer.full_batch},
    momentum_schedules={name: schedule.parameters for name, schedule in MOMENTUM_SCHEDULES.items()},
    rate_schedules={name: schedule.parameters for name, schedule in RATE_SCHEDULES.items()},
    emphasis={name: scheme.parameters for name, scheme in EMPHASIS.items()},
)
