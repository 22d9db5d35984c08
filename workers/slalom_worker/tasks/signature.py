"""What a function or a class of the user's can be given by name, read off its parameters."""

from __future__ import annotations

import inspect
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from slalom.wire.kinds import Free
from slalom.wire.signature import Signature

if TYPE_CHECKING:
    from collections.abc import Callable

POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def signature_of(function: Callable[..., Any], first: str | None = "") -> Signature:
    """The parameters that can be given by name; any name, of a function that Python cannot look into.

    first: the name of a first parameter that somebody else gives, such as "self"; None for one of any name, and "" for
        none
    """
    parameters = _parameters(function)
    if parameters is None:
        return Signature(open=True)
    if parameters and parameters[0].kind in POSITIONAL and (first is None or parameters[0].name == first):
        parameters = parameters[1:]
    return Signature(
        {one.name: _kind(one) for one in parameters if one.kind in NAMED},
        any(one.kind is Parameter.VAR_KEYWORD for one in parameters),
    )


def takes_position(function: Callable[..., Any]) -> bool:
    """Whether the function can be called with a value by position."""
    parameters = _parameters(function)
    return parameters is None or any(one.kind in (*POSITIONAL, Parameter.VAR_POSITIONAL) for one in parameters[:1])


def _parameters(function: Callable[..., Any]) -> list[Parameter] | None:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def _kind(parameter: Parameter) -> Free:
    if parameter.default is Parameter.empty:
        return Free(required=True)
    return Free(parameter.default) if parameter.default in Free() else Free()
