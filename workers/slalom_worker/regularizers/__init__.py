"""What keeps a net from fitting the noise: dropout here; weight decay is a column of the pack."""

from slalom_worker.regularizers.dropout import SlotDropout

__all__ = ["SlotDropout"]
