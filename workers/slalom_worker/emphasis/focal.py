"""Examples that the net is unsure of get larger steps: their gradient is multiplied by (1 - p)^focus.

p is the probability that the net gives to the example's class at the present step. The factor is not differentiated,
as it would be within the loss. It needs cross-entropy. Source: Lin et al. 2017, "Focal loss for dense object
detection", equation 4.
"""

from __future__ import annotations

from slalom.wire.kinds import Number
from slalom_worker.emphasis.base import Emphasis

FOCAL = Emphasis(weights=None, parameters={"focus": Number(2.0, 0.0, 10.0)})
