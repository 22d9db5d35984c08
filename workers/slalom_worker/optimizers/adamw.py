"""Adam with weight decay apart from the step, instead of within the gradient.

    w <- w - rate * decay * w;  then Adam's step along the gradient of the loss alone

as torch.optim.AdamW. Within the gradient, a parameter with large gradients is hardly decayed at all, since
Adam divides by their size. Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization", algorithm 2.
"""

from __future__ import annotations

from dataclasses import replace

from slalom_worker.optimizers.adam import ADAM

ADAMW = replace(ADAM, decoupled=True)
