"""What the routes of the application say about themselves, as plain data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

import msgspec
from litestar import Litestar, Response
from litestar.enums import MediaType, RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, ParameterKwarg
from litestar.response import File, Redirect, Stream
from litestar.routes import HTTPRoute

from inbox.kit.errors import Code

Place: TypeAlias = Literal["path", "query", "header"]

NOT_PARAMETERS = frozenset(
    {"data", "body", "request", "headers", "cookies", "query", "scope", "socket", "state", "return"}
)


class Parameter(msgspec.Struct, kw_only=True, frozen=True):
    """One parameter of an operation; `default` is UNSET where there is none to show."""

    name: str
    place: Place
    kind: Any
    required: bool
    default: Any = msgspec.UNSET


class Operation(msgspec.Struct, kw_only=True, frozen=True):
    """One method of one path. `scope` is None where no API key is needed.

    `answer` is the type of the 2xx body, None without one, and bytes where the answer is a file or a stream.
    """

    id: str
    method: str
    path: str
    summary: str
    description: str
    tag: str
    tag_description: str
    scope: str | None
    parameters: list[Parameter]
    body: Any
    body_type: str
    status: int
    answer: Any
    answer_type: str
    problems: list[Code]
    example: Any
    request_example: Any


def list_operations(app: Litestar) -> list[Operation]:
    """Every operation the application publishes, by path and then in the order of the methods."""
    found = [
        _read_operation(handler, route, method)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.resolve_include_in_schema() is not False
        for method in sorted(handler.http_methods)
    ]
    return sorted(found, key=lambda operation: (operation.path, METHODS.index(operation.method)))


METHODS = ["get", "post", "put", "patch", "delete", "head", "options"]


def _read_operation(handler: HTTPRouteHandler, route: HTTPRoute, method: str) -> Operation:
    kinds = get_type_hints(handler.fn, include_extras=True)
    answer, answer_type = _read_answer(kinds.get("return"), handler)
    described = inspect.getdoc(handler.fn) or ""
    return Operation(
        id=str(handler.operation_id or ""),
        method=method.lower(),
        path=route.path_format,
        summary=handler.summary or "",
        description=handler.description or described,
        tag=next(iter(sorted(handler.resolve_tags())), ""),
        tag_description=inspect.getdoc(type(handler.owner)) or "",
        scope=None if handler.opt.get("public") else handler.opt.get("scope"),
        parameters=list(_read_parameters(handler, route, kinds)),
        body=_bare(kinds.get("data")),
        body_type=_body_type(kinds.get("data")),
        status=handler.status_code,
        answer=answer,
        answer_type=answer_type,
        problems=list(handler.opt.get("problems", ())),
        example=handler.opt.get("example", msgspec.UNSET),
        request_example=handler.opt.get("request_example", msgspec.UNSET),
    )


def _read_parameters(handler: HTTPRouteHandler, route: HTTPRoute, kinds: Mapping[str, Any]) -> Iterator[Parameter]:
    defaults = {name: parameter.default for name, parameter in inspect.signature(handler.fn).parameters.items()}
    skipped = NOT_PARAMETERS | set(handler.resolve_dependencies())
    for name, kind in kinds.items():
        if name in route.path_parameters:
            yield Parameter(name=name, place="path", kind=kind, required=True)
        elif name not in skipped:
            place, shown = _parameter_name(name, kind)
            default = defaults.get(name, inspect.Parameter.empty)
            required = default is inspect.Parameter.empty
            yield Parameter(
                name=shown,
                place=place,
                kind=kind,
                required=required,
                default=msgspec.UNSET if required or default is None else default,
            )


def _parameter_name(name: str, kind: Any) -> tuple[Place, str]:
    """Where a parameter stands and what clients call it: `Annotated[str, Parameter(query="from")]`."""
    told = next((one for one in _metadata(kind) if isinstance(one, ParameterKwarg)), None)
    if told and told.header:
        return "header", told.header
    return "query", (told.query if told and told.query else name)


def _metadata(kind: Any) -> tuple[Any, ...]:
    """What `Annotated` says of a type, or of the type that is optional in it."""
    if get_origin(kind) is Annotated:
        return tuple(kind.__metadata__)
    return tuple(one for inner in get_args(kind) for one in _metadata(inner))


def _body_type(kind: Any) -> str:
    told = next((one for one in _metadata(kind) if isinstance(one, BodyKwarg)), None)
    return str(RequestEncodingType(told.media_type).value) if told else "application/json"


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _read_answer(kind: Any, handler: HTTPRouteHandler) -> tuple[Any, str]:
    """The type behind the return annotation, and its media type: `Response[Agent]` holds an Agent, a stream bytes."""
    declared = str(getattr(handler.media_type, "value", handler.media_type) or MediaType.JSON.value)
    origin = get_origin(kind) or kind
    if kind in {None, type(None)} or origin is Redirect:
        return None, ""
    if isinstance(origin, type) and issubclass(origin, Stream | File):
        return bytes, "application/octet-stream" if declared == MediaType.JSON.value else declared
    if isinstance(origin, type) and issubclass(origin, Response):
        return _read_answer(get_args(kind)[0], handler) if get_args(kind) else (bytes, declared)
    return kind, declared
