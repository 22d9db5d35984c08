"""The initial parameters of a trial, from its seed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from slalom_worker.net.modules import DTYPES, build_module, initialise, seeded, unseeded_module, weights_of
from slalom_worker.tasks import OwnModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from slalom.wire.trial import Work
    from slalom_worker.initializations import Initialization
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data


class Initial:
    """Makes the initial parameters [P] of trials of one net.

    A bundled net is built once; its layers then draw their weights anew, in the order in which building draws them, so
    that the numbers are those of a net built from the seed. A user's own net is built for every trial, since its
    constructor may draw anything.
    """

    def __init__(self, work: Work, data: Data, task: Task, schemes: Mapping[str, Initialization]) -> None:
        self._schemes = schemes
        self._build = (work, data, task)
        self._template = None if isinstance(task, OwnModel) else unseeded_module(work, data, task)
        self._dtype = DTYPES[work.precision]

    def __call__(self, seed: int, initialization: Mapping[str, Any]) -> Tensor:
        """The parameters [P] of the trial with this seed for weights, on the CPU."""
        module = self._module(seed)
        initialise(module, self._schemes[initialization["scheme"]], initialization, seed)
        return torch.cat([tensor.detach().flatten() for tensor in weights_of(module).values()])

    def _module(self, seed: int) -> nn.Module:
        if self._template is None:
            return build_module(*self._build, seed)
        with seeded(seed):
            for part in self._template.modules():
                draw = getattr(part, "reset_parameters", None)
                if draw is not None:
                    draw()
        # Weights are drawn in float32, the template's precision, whatever the pack's.
        return self._template if self._dtype == torch.float32 else copy.deepcopy(self._template).to(self._dtype)
