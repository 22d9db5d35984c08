"""How an epoch's examples are cut into batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from slalom.errors import InputError

if TYPE_CHECKING:
    from slalom.wire.trial import Work


class Batching(NamedTuple):
    """The batches of an epoch, the same in every epoch of a pack's slots.

    size: examples of a batch; only the last batch may be smaller
    examples: how many examples an epoch presents, the first ones of its order
    """

    size: int
    examples: int

    @classmethod
    def of(cls, work: Work, count: int) -> Batching:
        """The batching of `count` training examples; InputError where `drop_last` would drop the only batch.

        As in torch's DataLoader, `drop_last` leaves a last batch that is not full out of each epoch.
        """
        size = work.batch_size or count
        if not work.drop_last:
            return cls(min(size, count), count)
        if size > count:
            raise InputError(
                f"drop_last leaves no batch: batch_size must be at most the {count} training examples, got {size}"
            )
        return cls(size, count - count % size)

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        return -(-self.examples // self.size)

    def size_of(self, step: int) -> int:
        """Examples of the step's batch."""
        return min(self.size, self.examples - step * self.size)
