"""What keeps a net from fitting the noise: weight decay, and dropout."""

from slalom_worker.regularizers.decay import decay_factor
from slalom_worker.regularizers.dropout import SlotDropout

__all__ = ["SlotDropout", "decay_factor"]
