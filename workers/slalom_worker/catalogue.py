"""The catalogue of what a study can name, for the checker of study files. The module loads without torch."""

from __future__ import annotations

from slalom.wire.kinds import Catalogue, Judging, Preparing
from slalom_worker.methods import BUNDLED, Methods
from slalom_worker.models import MODELS
from slalom_worker.tasks import TASKS


def catalogue(methods: Methods) -> Catalogue:
    """The catalogue of the bundled tasks and models and of these methods, the user's own that are opened included."""
    optimizers = methods.optimizer
    return Catalogue(
        tasks={name: task.options for name, task in TASKS.items()},
        models={name: model.structure for name, model in MODELS.items()},
        nets={name: model.size for name, model in MODELS.items()},
        losses={name: loss.parameters for name, loss in methods.loss.items()},
        averaged=frozenset(name for name, loss in methods.loss.items() if loss.average is not None),
        preprocessing={name: Preparing(one.keeps_places, one.keeps_units) for name, one in methods.preprocess.items()},
        initializations={name: way.parameters for name, way in methods.initialization.items()},
        optimizers={name: optimizer.hyperparameters for name, optimizer in optimizers.items()},
        momentum={name: optimizer.momentum for name, optimizer in optimizers.items() if optimizer.momentum is not None},
        curvature=frozenset(name for name, optimizer in optimizers.items() if optimizer.curvature),
        full_batch={name: optimizer.full_batch for name, optimizer in optimizers.items() if optimizer.full_batch},
        momentum_schedules={name: schedule.parameters for name, schedule in methods.momentum.items()},
        rate_schedules={name: schedule.parameters for name, schedule in methods.learning_rate_schedule.items()},
        metrics={name: Judging(one.goal, one.of, one.worst, one.options) for name, one in methods.metric.items()},
        augmentation={name: one.parameters for name, one in methods.augmentation.items()},
        colored=frozenset(name for name, one in methods.augmentation.items() if one.colors),
        emphasis={name: scheme.parameters for name, scheme in methods.emphasis.items()},
    )


CATALOGUE = catalogue(BUNDLED)
