"""What the suite holds the product to; test_mutations.py breaks the product and sees that these fail."""

import math

import torch

from slalom_worker.net.examples import side_by_side
from slalom_worker.optimizers import OPTIMIZERS
from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.workers.trials import order

PARK_EVERY = 3


def train(program, specs, *, disturbed=False):
    """The slots of these trials, trained to their ends in one pack.

    disturbed: the second trial of three arrives an epoch late and the third two, and every PARK_EVERY epochs all
    are parked and seated in the opposite order, as happens to trials that wait for their verdicts.
    """
    slots = [Slot.start(order(spec), program) for spec in specs]
    pack, seated = Pack(program), []
    turn = 0
    while due := [slot for n, slot in enumerate(slots) if not slot.complete and turn >= disturbed * (n % 3)]:
        if disturbed and turn % PARK_EVERY == PARK_EVERY - 1:
            due, seated = [slot.park() for slot in reversed(due)], []
        if list(map(id, due)) != seated:
            pack.seat(due)
            seated = list(map(id, due))
        pack.advance()
        turn += 1
    return slots


def check_equivalence(program, specs, wanted, width, tolerance=1e-9):
    """Packs of `width` train every trial as the reference does; wanted: reference results by the trial's number.

    A trial whose loss diverges in the reference must diverge in the pack. The last pack is filled up from the start.
    """
    full = [specs[n % len(specs)] for n in range(-(-len(specs) // width) * width)]
    for start in range(0, len(full), width):
        for slot in train(program, full[start : start + width], disturbed=True):
            number, want = slot.trial.id.number, wanted[slot.trial.id.number]
            where = f"trial {number} in a pack of {width}, {dict(slot.settings)}"
            if not math.isfinite(want.loss):
                assert not math.isfinite(slot.loss), f"{where}: must diverge"
                continue
            error = distance(slot.tensors["parameters"], want.parameters)
            assert error < tolerance, f"{where}: parameters are off by {error:.1e}"
            assert abs(slot.loss - want.loss) < tolerance * want.loss, f"{where}: loss"


def distance(got, want):
    """The norm of the difference, relative; 0 where neither is finite."""
    if not want.isfinite().all():
        return 0.0 if not got.isfinite().all() else math.inf
    return float((got - want).norm() / want.norm())


def check_invariance(program, specs, widths, *, disturbed=True):
    """Every trial has the same bits in one pack of all, undisturbed, and in packs of each width."""
    whole = results(program, train(program, specs))
    for width in widths:
        for start in range(0, len(specs), width):
            part = results(program, train(program, specs[start : start + width], disturbed=disturbed))
            for offset, got in enumerate(part):
                spec, want = specs[start + offset], whole[start + offset]
                wrong = [name for name in want if not same(got[name], want[name])]
                assert not wrong, f"trial {spec.id.number} in a pack of {width}, {dict(spec.settings)}: {wrong}"


def results(program, slots):
    """What is known of each trial at its end: parameters, the optimizer's buffers, loss, and the pack's metrics."""
    parameters = torch.stack([slot.best_parameters for slot in slots])
    known = {"loss": torch.tensor([slot.loss for slot in slots], dtype=torch.float64)}
    state = {name: torch.stack([slot.state[name] for slot in slots]) for name in program.state}
    for part in ("validation", "train"):
        beside = side_by_side([getattr(slot.split, part) for slot in slots])
        found = program.evaluate(parameters, beside, state)
        known |= {f"{part}.{name}": values for name, values in found.items()}
    own = [
        ("parameters", *method.state, *method.scalars)
        for method in (OPTIMIZERS[s.settings["optimizer"]] for s in slots)
    ]
    return [
        {name: slot.tensors[name] for name in names} | slot.state | {name: own[row] for name, own in known.items()}
        for row, (slot, names) in enumerate(zip(slots, own, strict=True))
    ]


def same(one, other):
    """Equal in every number; two that are none count as equal."""
    return bool(((one == other) | (one.isnan() & other.isnan())).all())
