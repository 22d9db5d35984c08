"""The problem on which Adam goes the wrong way and AMSGrad does not, solved by the product's own updates.

Minimise f_t(x) = 1010 x if t mod 101 = 1, else -10 x, over x in [-1, 1]: 101 of them add up to 10 x, so -1 is best.
Source: Reddi, Kale and Kumar 2018, "On the convergence of Adam and beyond", section 5, the online setting; with beta1
0.9, beta2 0.99 and a constant step of 1e-3.
"""

import pytest
import torch

from slalom_worker.optimizers import OPTIMIZERS, Block

PERIOD = 101
STEPS = 1_000_000
SETTLED = 5_000  # 0.99^t is lost beside 1 in float64, so that what depends on the clock changes no more
GIVEN = {"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8}


def column(number):
    return torch.full((1, 1), number, dtype=torch.float64)


def columns(optimizer, steps):
    """What the update at each of these steps needs beside gradient and state."""
    given = {name: column(number)[0] for name, number in GIVEN.items()}
    count = torch.tensor(steps, dtype=torch.float64).unsqueeze(1)
    table = {name: make(count, given).expand_as(count) for name, make in optimizer.columns.items()}
    fixed = {name: column(number) for name, number in {**GIVEN, "rate": 1e-3, "momentum": 0.0}.items()}
    return [fixed | {name: values[row].view(1, 1) for name, values in table.items()} for row in range(len(steps))]


@torch.inference_mode()
def walk(name):
    """x after each period of 101 steps, up to STEPS of them, or until all state repeats itself bit for bit: it is the
    same ever after.
    """
    optimizer = OPTIMIZERS[name]
    x, gradient = column(0.0), column(0.0)
    state = {buffer: column(0.0) for buffer in optimizer.state}
    early = columns(optimizer, range(1, SETTLED + 1))
    assert early[-1] == columns(optimizer, [STEPS])[0]
    turns = [Block(x, gradient, state, now, column(0.0), column(0.0)) for now in early]
    slopes = [column(1010.0 if t == 1 else -10.0) for t in range(PERIOD)]
    found, before = [], []
    for step in range(1, STEPS + 1):
        gradient.copy_(slopes[step % PERIOD])
        optimizer.update(turns[min(step, SETTLED) - 1])
        x.clamp_(-1, 1)
        if step % PERIOD == 0:
            now = [tensor.item() for tensor in (x, *state.values())]
            found.append(now[0])
            if now == before:
                break
            before = now
    return found


def test_adam_ends_at_the_worst_point():
    found = walk("adam")
    assert found[-1] > 0.99
    assert len(found) * PERIOD < 0.2 * STEPS  # it is there for good


@pytest.mark.thorough
def test_amsgrad_makes_for_the_best_point():
    found = walk("amsgrad")
    assert len(found) == STEPS // PERIOD
    assert found[-1] < -0.5
    late = found[100:]
    assert late == sorted(late, reverse=True)
