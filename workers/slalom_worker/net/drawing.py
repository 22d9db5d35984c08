"""Dropout that a net calls as a function, also within torch's attention, with masks from the trial's own stream."""

from __future__ import annotations

from math import sqrt
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Sequence


class Drawn(NamedTuple):
    """A call of a dropout function: its rate, and the shape of one example's mask."""

    rate: float
    shape: tuple[int, ...]


class Drawing(TorchFunctionMode):
    """A context for a net's forward in training, in which dropout functions multiply by given masks and draw nothing.

    calls: the dropout calls so far; noted only where `batch` is given
    """

    def __init__(self, masks: Sequence[Tensor] = (), batch: int | None = None) -> None:
        """masks: a mask [B, *shape] for each call, in the calls' order; a call without one drops nothing.

        batch: the number of examples of the forward, or None to note no calls
        """
        super().__init__()
        self.calls: list[Drawn] = []
        self._masks = iter(masks)
        self._batch = batch

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function, or its replacement."""
        placed = {
            functional.dropout: self._dropout,
            torch.dropout: self._dropout,
            functional.scaled_dot_product_attention: self._attention,
            functional.multi_head_attention_forward: self._heads,
        }
        return placed.get(func, func)(*args, **(kwargs or {}))

    def _heads(self, *args: Any, **named: Any) -> Any:
        """Torch's multi_head_attention_forward with its dropout functions replaced, which no mode sees within it."""
        real: Any = functional.multi_head_attention_forward
        scope = {
            **vars(functional),
            "has_torch_function": lambda _tensors: False,
            "dropout": self._dropout,
            "scaled_dot_product_attention": self._attention,
        }
        again = FunctionType(real.__code__, scope, real.__name__, real.__defaults__, real.__closure__)
        again.__kwdefaults__ = real.__kwdefaults__
        return again(*args, **named)

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002
        if not training or p == 0 or not self._can_drop(input):
            return functional.dropout(input, p, training, inplace)
        return self._dropped(input, p)

    def _can_drop(self, inputs: Tensor) -> bool:
        """Whether examples lie along the first axis, each as one row or as several."""
        return self._batch is None or (inputs.dim() > 0 and len(inputs) % self._batch == 0)

    def _dropped(self, inputs: Tensor, rate: float) -> Tensor:
        if self._batch is not None:
            rows = len(inputs) // self._batch
            self.calls.append(Drawn(rate, (*((rows,) if rows > 1 else ()), *inputs.shape[1:])))
        mask = next(self._masks, None)
        if mask is None:
            return inputs
        return inputs * (mask.flatten(0, 1) if mask.dim() > inputs.dim() else mask)

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        **options: Any,
    ) -> Tensor:
        """Torch's scaled_dot_product_attention, written out as in its documentation, with dropout by a mask."""
        if dropout_p == 0 or options.get("enable_gqa") or not self._can_drop(query):
            return functional.scaled_dot_product_attention(
                query, key, value, attn_mask, dropout_p, is_causal, **options
            )
        scale = options.get("scale")
        scores = query @ key.mT * (1 / sqrt(query.shape[-1]) if scale is None else scale)
        if is_causal:
            attn_mask = scores.new_ones(scores.shape[-2:], dtype=torch.bool).tril()
        if attn_mask is not None:
            whether = attn_mask.dtype == torch.bool
            scores = scores.masked_fill(~attn_mask, float("-inf")) if whether else scores + attn_mask
        return self._dropped(scores.softmax(-1), dropout_p) @ value
