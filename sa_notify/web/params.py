"""A query function's parameters, validated against its annotations."""

import inspect
import json
import typing
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, PydanticUserError, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError

from sa_notify.errors import QueryError, SubscriptionError

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Params:
    """What a function takes, and how a browser's JSON becomes it.

    :raises QueryError: when a parameter can't be given by name, or its annotation is missing or
        is not something that JSON can carry.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._model = _model(function)

    @property
    def names(self) -> frozenset[str]:
        """What the parameters are called."""
        return frozenset(self._model.model_fields)

    def bind(self, params: object, max_bytes: int) -> dict[str, Any]:
        """Arguments for the function.

        :raises SubscriptionError: ``invalid_params``, naming each parameter that does not fit.
        """
        if not isinstance(params, dict):
            raise SubscriptionError("invalid_params", "params must be an object")
        if _size(params) > max_bytes:
            raise SubscriptionError("invalid_params", f"params are larger than {max_bytes} bytes")
        try:
            bound = self._model.model_validate(params)
        except ValidationError as error:
            raise SubscriptionError("invalid_params", _sentence(error)) from None
        return {name: getattr(bound, name) for name in self._model.model_fields}


def _size(params: dict[Any, Any]) -> int:
    try:
        return len(json.dumps(params))
    except (TypeError, ValueError, RecursionError):
        # Socket.IO carries bytes beside JSON
        raise SubscriptionError("invalid_params", "params must be JSON") from None


def _model(function: Callable[..., Any]) -> type[BaseModel]:
    name = getattr(function, "__qualname__", repr(function))
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        signature = inspect.signature(function)
        fields = {p.name: _field(name, p, hints) for p in signature.parameters.values()}
        config = ConfigDict(extra="forbid", protected_namespaces=())
        return create_model("Params", __config__=config, **fields)  # type: ignore[call-overload,no-any-return]
    except QueryError:
        raise
    except (PydanticSchemaGenerationError, PydanticUserError, NameError, TypeError) as error:
        raise QueryError(
            f"the parameters of {name} can't be validated ({error}): annotate them with types that"
            " JSON can carry, such as int, str, bool, date, UUID, list[int] or Literal"
        ) from error


def _field(function: str, parameter: inspect.Parameter, hints: dict[str, Any]) -> tuple[Any, Any]:
    if parameter.kind not in _BY_NAME:
        raise QueryError(f"{function} takes {parameter}: give it parameters that have names")
    if parameter.name not in hints:
        raise QueryError(f"{function} does not say what {parameter.name} is: write {parameter.name}: int")
    required = parameter.default is inspect.Parameter.empty
    return hints[parameter.name], ... if required else parameter.default


def _sentence(error: ValidationError) -> str:
    # the browser's own input is not repeated: messages end up in logs
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found)
