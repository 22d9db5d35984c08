"""Checks of what a user's function returns: InputError tells the broken rule in one line, with the value.

`place` is how messages name the function: "file.py:Name: function".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from slalom.errors import InputError, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MOST_SHOWN = 4
"""Most options that a message shows."""


def untouched(place: str, function: Callable[..., Any], **given: Any) -> Any:
    """Call the function with these arguments, and return its result; InputError where it changes an argument.

    given: the arguments in the order of the function's parameters, under the names that messages use
    """
    before = {name: _copy(value) for name, value in _leaves(given)}
    result = function(*given.values())
    after = dict(_leaves(given))
    changed = [name for name, value in before.items() if name not in after or not _same(value, after[name])]
    changed += [name for name in after if name not in before]
    if changed:
        raise InputError(f"{place} must leave what it is given as it is, but changed {changed[0]}")
    return result


def as_tensor(place: str, found: Any, shape: Sequence[int], said: str) -> Tensor:
    """What a function returned, which must be a tensor of this shape of real numbers; InputError where it is not.

    said: the shape as a message spells it, such as "[E, B]"
    """
    wanted = f"{place} must give a tensor {said} of real numbers, here {[*shape]}"
    if not isinstance(found, Tensor):
        raise InputError(f"{wanted}, but gave {quoted(found)}")
    if tuple(found.shape) != tuple(shape):
        raise InputError(f"{wanted}, but gave one of the shape {[*found.shape]}")
    if found.is_complex():
        raise InputError(f"{wanted}, but gave one of {found.dtype}")
    return found


def finite(place: str, numbers: Tensor, what: str) -> None:
    """Raise InputError where one of the numbers is NaN or infinite.

    what: what a message calls the numbers
    """
    wrong = ~numbers.isfinite()
    if bool(wrong.any()):
        raise InputError(f"{place} must give finite {what}, but gave {float(numbers[wrong][0])}")


def again(place: str, one: Tensor, other: Tensor, because: str) -> None:
    """Raise InputError where two answers differ by more than rounding.

    because: what the function must give, as a message says it
    """
    if not torch.allclose(one.double(), other.double(), rtol=1e-4, atol=1e-6, equal_nan=True):
        apart = (one.double() - other.double()).abs().nan_to_num(torch.inf).flatten().argmax()
        shown = " and ".join(str(float(each.double().flatten()[apart])) for each in (one, other))
        raise InputError(f"{place} must give {because}, but gave {shown}")


def shown(options: Mapping[str, Any]) -> str:
    """Options as a message shows them, such as " (by=2.0)"; empty where there are none."""
    each = [f"{name}={value}" for name, value in options.items()][:MOST_SHOWN]
    return f" ({', '.join(each)})" if each else ""


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The tensors, arrays, numbers and texts within an argument, each with its name."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(part, f"{name}[{key!r}]" if name else str(key))
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        for key, part in value._asdict().items():
            yield from _leaves(part, f"{name}.{key}")
    elif isinstance(value, tuple | list):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{name}[{number}]")
    elif isinstance(value, Tensor | np.ndarray | int | float | str):
        yield name, value


def _copy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other) and not isinstance(other, Tensor):
        return False
    if isinstance(one, Tensor):
        return one.shape == other.shape and torch.equal(one.nan_to_num(), other.detach().nan_to_num())
    if isinstance(one, np.ndarray):
        return bool(one.shape == other.shape and one.tobytes() == other.tobytes())
    return bool(one == other)
