"""Reads from a user's function or class which arguments it takes by name."""

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
    """The parameters that can be given by name; any name, for a function whose signature Python cannot read.

    first: the name of a first parameter that is not the study's to give, such as "self"; None for a first parameter of
        any name, and "" for no such parameter
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
    """Whether the function takes a first argument by position."""
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
