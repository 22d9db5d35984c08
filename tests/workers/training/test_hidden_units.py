"""Fewer hidden units, no decay: the training error falls with every unit, and the test error turns, on the mixture."""

import torch

from slalom_worker.training.pack import Pack
from slalom_worker.training.slot import Slot
from tests.workers.trials import objective, order, settings, trial, work

SEEDS, EPOCHS = 12, 3000
CHOSEN = settings("momentum", learning_rate=2.0)


def errors(units):
    """Mean training and test error of nets with so many hidden units, close to their minima."""
    of = work("mixture", hidden=(units,), activation="logistic", batch_size=None)
    program = objective(of)
    slots = [Slot.start(order(trial(n, of, CHOSEN, epochs=EPOCHS)), program) for n in range(SEEDS)]
    pack = Pack(program)
    pack.seat(slots)
    while not slots[0].complete:
        pack.advance()
    parameters = torch.stack([slot.best_parameters for slot in slots])
    return [float(program.evaluate(parameters, split)["error"].mean()) for split in (program.train, program.test)]


def test_the_training_error_falls_and_the_test_error_turns():
    train, test = zip(*map(errors, (1, 2, 5, 10, 40)), strict=True)
    assert train[0] > train[1] > train[2] > train[3]
    assert min(test) == test[2]
    assert test[0] > test[2] + 0.02
    assert test[4] > test[2] + 0.01
