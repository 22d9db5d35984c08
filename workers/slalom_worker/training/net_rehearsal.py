"""Tries a user's net before a study starts: packs of 1, 2 and 3 are compared with each other and with plain torch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from slalom.errors import InputError
from slalom.wire.seeds import Seeds, derive
from slalom.wire.trial import Order
from slalom_worker.methods import BUNDLED
from slalom_worker.net.drawing import Drawing
from slalom_worker.net.examples import Batch, Examples
from slalom_worker.net.modules import build_module, initialise, net_errors, rest_of, weights_of
from slalom_worker.net.objective import CHUNK, Objective
from slalom_worker.net.own_builds import check_builds
from slalom_worker.net.own_size import check_size
from slalom_worker.net.probing import begin_forward
from slalom_worker.net.view import View
from slalom_worker.own_file import aside
from slalom_worker.training.learning import learned
from slalom_worker.training.methods_rehearsal import same
from slalom_worker.training.nets import TrainedTrial
from slalom_worker.training.streams import kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor, nn

    from slalom.wire.trial import TrialSpec
    from slalom_worker.methods import Methods
    from slalom_worker.tasks.base import Task
    from slalom_worker.tasks.data import Data

    Numbers = Mapping[str, Tensor]

WIDTHS = (1, 2, 3)

CLOSE = {torch.float32: 1e-3, torch.float64: 1e-9}
"""Largest difference between a pack and plain torch, relative to the norm: both round, in different orders."""

FLOOR = 1e-2
"""The least norm that a difference is compared with: numbers near zero are nothing but rounding."""

MOST = 64
"""Most examples of a rehearsal's batches, and of its evaluation."""

GRADIENT = "the gradient"
"""Prefix of the names of gradients."""

RATE = 1e-2
"""Learning rate of the rehearsal's plain gradient descent."""


def rehearse_net(trials: Sequence[TrialSpec], data: Data, task: Task, methods: Methods = BUNDLED) -> None:
    """Train the net of each of these trials for two steps; InputError, with the reason, where a pack cannot train it.

    Packs of WIDTHS must give a trial the same bits, and these must be plain torch's numbers to within rounding, in
    training and in evaluation. Trials that share a program are tried once.
    methods: the methods that the trials name
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a lane: a product split over threads rounds otherwise
    try:
        with aside():
            for trial in {trial.work.key: trial for trial in trials}.values():
                view = View(trial.work, data, methods.loss[trial.work.loss["name"]])
                check_size(trial.work, view.data, task)
                objective = Objective(trial.work, data, task, torch.device("cpu"), methods)
                check_builds(trial.work, view.data, task)
                _rehearse(objective, trial)
    finally:
        torch.set_num_threads(threads)


def _rehearse(objective: Objective, trial: TrialSpec) -> None:
    variants = [
        replace(trial, seeds=Seeds(*(derive(seed, "rehearsal", number) for seed in trial.seeds)))
        for number in range(max(WIDTHS))
    ]
    with net_errors(objective.task, "a step of the net"):
        plain = [_in_torch(objective, one) for one in variants]
    _check_beginning(trial, plain)
    with net_errors(objective.task, "a step in a pack"):
        packs = {width: _in_a_pack(objective, variants[:width]) for width in WIDTHS}
    with net_errors(objective.task, "a look at what the net has learned"):
        learned(objective, TrainedTrial.start(_order(trial), objective))
    for width, found in packs.items():
        for one, other in zip(found, packs[WIDTHS[-1]], strict=False):
            name = _differs(one, other)
            if name is not None:
                raise InputError(
                    f"model: {name} in a pack of {width} has other bits than in one of {WIDTHS[-1]}, so a trial's "
                    "numbers would depend on its pack"
                )
    for one, wanted in zip(packs[WIDTHS[-1]], plain, strict=True):
        name = _is_far(one, wanted)
        if name is not None:
            where = _where(objective, one[name] - wanted[name]) if name.startswith(GRADIENT) else ""
            raise InputError(
                f"model: {name} of the net ({type(objective.module).__name__}) in a pack{where} is not that of plain "
                "torch, so no pack can train it; its numbers must come of forward alone, computed once"
            )


def _order(trial: TrialSpec) -> Order:
    return Order(replace(trial, record=(), split=None), trial.epochs)


def _check_beginning(trial: TrialSpec, plain: Sequence[Numbers]) -> None:
    """Raise InputError where the first loss is not finite for any seed under the net's own initial weights."""
    first = [numbers["the loss in step 1"] for numbers in plain]
    if trial.settings["initialization"]["scheme"] == "fan_in" and not any(bool(loss.isfinite()) for loss in first):
        raise InputError(
            f"model: the loss of its first batch must be finite for some seed, but is {float(first[0])} for each of "
            f"{len(first)}, so every trial would diverge at once; does forward take a root, a logarithm or a quotient "
            "of what can be 0 or less?"
        )


def _in_a_pack(objective: Objective, trials: Sequence[TrialSpec]) -> list[Numbers]:
    """Each trial's numbers, trained as one pack."""
    parameters = torch.stack([objective.initial(one.seeds.weights, one.settings["initialization"]) for one in trials])
    states = [objective.initial_state(one.seeds.weights) for one in trials]
    state = {name: torch.stack([one[name] for one in states]) for name in objective.state}
    gradient = torch.zeros_like(parameters)
    found: list[dict[str, Tensor]] = [{} for _ in trials]
    for step, each in enumerate(zip(*(_batches(objective, trial) for trial in trials), strict=True)):
        masks = {name: torch.cat([batch.masks[name] for batch in each]) for name in each[0].masks}
        inputs, labels = (torch.cat(parts) for parts in zip(*(batch[:2] for batch in each), strict=True))
        weights, into = (list(objective.views(tensor).values()) for tensor in (parameters, gradient))
        losses = objective.gradient(weights, Batch(inputs, labels, masks), into, state)
        parameters.sub_(gradient, alpha=RATE)
        for row, numbers in enumerate(found):
            numbers[f"the loss in step {step + 1}"] = losses[row]
            numbers[f"{GRADIENT} in step {step + 1}"] = gradient[row].clone()
    outputs = objective.outputs(parameters, _some(objective), state)
    for row, numbers in enumerate(found):
        numbers |= {f"the buffer {name}": tensor[row] for name, tensor in state.items()}
        numbers["an output in evaluation"] = outputs[row]
    return list(found)


def _in_torch(objective: Objective, trial: TrialSpec) -> Numbers:
    """A trial's numbers, trained as a plain module."""
    module = build_module(objective.work, objective.view.data, objective.task, trial.seeds.weights)
    chosen = trial.settings["initialization"]
    initialise(module, objective.methods.initialization[chosen["scheme"]], chosen, trial.seeds.weights)
    weights, found = list(weights_of(module).values()), dict[str, "Tensor"]()
    for step, batch in enumerate(_batches(objective, trial)):
        functions = objective.forward.functions
        _set_masks(module, {name: mask for name, mask in batch.masks.items() if name not in functions})
        begin_forward(module)
        with Drawing([batch.masks[name][0] for name in functions]):
            outputs = module(batch.inputs[0])
        loss = objective.loss.each(outputs.unsqueeze(0), batch.labels, objective.work.loss).mean()
        gradients = torch.autograd.grad(loss, weights, materialize_grads=True)
        with torch.no_grad():
            for weight, own in zip(weights, gradients, strict=True):
                weight.sub_(own, alpha=RATE)
        found[f"the loss in step {step + 1}"] = loss.detach()
        found[f"{GRADIENT} in step {step + 1}"] = torch.cat([own.flatten() for own in gradients])
    rest = rest_of(module)
    found |= {f"the buffer {name}": rest[name].detach() for name in objective.state}
    with torch.no_grad():
        module.eval()
        found["an output in evaluation"] = objective.view.predict(module, _some(objective).inputs)
        for part in (objective.train, objective.validation, objective.test):
            objective.view.predict(module, part.take(_extremes(part).unsqueeze(0))[0])
    return found


def _batches(objective: Objective, trial: TrialSpec) -> Iterator[Batch]:
    """The batches [1, B, ...] of a trial's two steps: one of the usual size, and one of the size of an epoch's last."""
    generator = torch.Generator().manual_seed(trial.seeds.batches)
    batching = objective.batching
    for size in (batching.size, batching.size_of(batching.steps - 1)):
        index = torch.randint(objective.count, (min(size, MOST),), generator=generator)
        masks = {}
        for name, call in objective.forward.dropouts.items():
            rate = torch.tensor(call.layer.rate_for(trial.settings), dtype=objective.dtype)
            draws = torch.rand(1, len(index), *call.shape, dtype=objective.dtype, generator=generator)
            masks[name] = kept(draws, rate)
        train = objective.train
        yield Batch(objective.view.center(train.take(index.unsqueeze(0))), train.labels[index].unsqueeze(0), masks)


def _set_masks(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    for name, mask in masks.items():
        path, _, buffer = name.rpartition(".")
        setattr(module.get_submodule(path), buffer, mask[0])


def _some(objective: Objective) -> Examples:
    """The first validation examples, at most MOST."""
    part = objective.validation
    return Examples.of(part.between(0, MOST), part.labels[:MOST])


def _extremes(part: Examples) -> Tensor:
    """The rows [2] of a part with its largest and its smallest number: an index out of range, if any, is in these."""
    highs, lows = [], []
    for first in range(0, len(part), CHUNK):
        each = part.between(first, first + CHUNK).flatten(1)
        highs.append(each.amax(1))
        lows.append(each.amin(1))
    return torch.stack([torch.cat(highs).argmax(), torch.cat(lows).argmin()])


def _differs(one: Numbers, other: Numbers) -> str | None:
    """The first name whose tensors differ in a bit, or None."""
    return next((name for name, tensor in one.items() if not same(tensor, other[name])), None)


def _where(objective: Objective, difference: Tensor) -> str:
    """The parameter at which gradients [P] differ most."""
    found = objective.views(difference.abs())
    return f", by most at {max(found, key=lambda name: float(found[name].max()))},"


def _is_far(found: Numbers, wanted: Numbers) -> str | None:
    """The first name whose tensors differ by more than rounding, or None; skipped where `wanted` is not finite."""
    for name, tensor in found.items():
        one, other = tensor.double(), wanted[name].double()
        bound = CLOSE.get(tensor.dtype, 0.0) * max(float(other.norm()), FLOOR)
        if bool(other.isfinite().all()) and not float((one - other).norm()) <= bound:
            return name
    return None
