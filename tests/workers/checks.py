"""What the suite holds the product to; test_mutations.py breaks the product and sees that these fail."""

import math

from slalom_worker.training import methods_rehearsal
from slalom_worker.training.methods_rehearsal import results, same
from tests.workers.trials import order


def train(program, specs, *, disturbed=False):
    """The slots of these trials, trained to their ends in one pack; see slalom_worker.training.methods_rehearsal."""
    return methods_rehearsal.train(program, [order(spec) for spec in specs], disturbed=disturbed)


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
            error = distance(slot.best_parameters, want.best)
            assert error < tolerance, f"{where}: the best parameters are off by {error:.1e}"
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
