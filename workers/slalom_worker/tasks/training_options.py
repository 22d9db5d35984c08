"""Options that change the training examples of a classification: some are mislabelled, all are repeated.

Validation and test examples stay unchanged. Draws are the same in every version of numpy, as for the splits.
Sources: label noise, D. Angluin and P. Laird 1988, "Learning from noisy examples"; repeated data, Y. LeCun,
L. Bottou, G. Orr, K.-R. Mueller 1998, "Efficient BackProp", 4.1 (a batch step over ten equal copies does no more
than one over a single copy).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.errors import InputError
from slalom.wire.kinds import Integer, Number
from slalom.wire.seeds import derive
from slalom_worker.tasks.parts import Part
from slalom_worker.tasks.splits import random_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slalom.wire.kinds import Kinds
    from slalom_worker.tasks.data import Split

CHOICE_SEED, CLASS_SEED = 100, 101
"""Seeds of the draws in this module, different from those of the tasks' own draws."""
MOST_COPIES = 1000
MOST_BYTES = 1 << 30
"""Most bytes of the training inputs with all their copies."""
TRAINING_OPTIONS: Kinds = {
    "label_noise": Number(0.0, low=0.0, high=1.0, open_high=True),
    "replicate": Integer(1, low=1, high=MOST_COPIES),
}


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """Options that classification tasks share.

    label_noise: the share of training examples whose label becomes another class, all others equally likely
    replicate: how many copies of every training example there are, one whole set after the other
    """

    label_noise: float = 0.0
    replicate: int = 1

    def altered(self, train: Split, classes: int) -> Split:
        """The training split, first mislabelled, then repeated, so that all copies of an example have one label.

        Raises InputError where the copies would take too much memory.
        """
        size = train.inputs.nbytes * self.replicate
        if self.replicate > 1 and size > MOST_BYTES:
            raise InputError(
                f"replicate must leave the training examples at {MOST_BYTES >> 20} MB at most, but {self.replicate} "
                f"copies take {size >> 20} MB"
            )
        part = self.altered_part(Part.whole(train), classes)
        return part.split()

    def altered_part(self, train: Part, classes: int, seed: int | None = None) -> Part:
        """As `altered`, for the training part of a split, whose inputs are not copied.

        seed: of the split, which has label noise of its own, or None for the task's own split
        """
        labels = mislabelled(train.labels, classes, self.label_noise, seed)
        copies = self.replicate
        weights = None if train.weights is None else np.tile(train.weights / copies, copies)
        return Part(train.inputs, np.tile(train.rows, copies), np.tile(labels, copies), weights)


def mislabelled(labels: NDArray[Any], classes: int, share: float, seed: int | None = None) -> NDArray[np.int64]:
    """The labels [n] int64, with round(share * n) of them replaced by another class.

    A larger share replaces the same labels by the same classes as a smaller one, and more.
    seed: of the split, or None for the task's own split
    """
    choice, other = (own if seed is None else derive(seed, "mislabelled", own) for own in (CHOICE_SEED, CLASS_SEED))
    wrong = np.argsort(random_words(len(labels), choice), kind="stable")[: round(share * len(labels))]
    # another class is 1 to classes - 1 further, modulo classes
    steps = 1 + random_words(len(labels), other) % np.uint64(classes - 1)
    noisy = labels.copy()
    noisy[wrong] = (labels[wrong] + steps[wrong].astype(np.int64)) % classes
    return noisy
