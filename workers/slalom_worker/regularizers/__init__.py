"""Weight decay and dropout, which keep a net from fitting noise."""

from slalom_worker.regularizers.decay import decay_factor
from slalom_worker.regularizers.dropout import ChannelDropout, SlotDropout, mask_name

__all__ = ["ChannelDropout", "SlotDropout", "decay_factor", "mask_name"]
