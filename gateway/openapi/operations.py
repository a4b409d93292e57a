"""What the routes of the application say about themselves, as plain data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec
from litestar import Litestar, Response
from litestar.enums import MediaType, ParamType, RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, ParameterKwarg, QueryParameter
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
    description: str
    required: bool
    default: Any = msgspec.UNSET


class Answer(msgspec.Struct, kw_only=True, frozen=True):
    """One answer that is no problem: `kind` is None without a body, and bytes where it is a file or a stream.

    `forms` are all the media types it may come in, where the request chooses, and what each of them holds.
    """

    status: int
    kind: Any
    media_type: str
    description: str
    forms: Mapping[str, Any] = msgspec.field(default_factory=dict)


class Operation(msgspec.Struct, kw_only=True, frozen=True):
    """One method of one path. `scope` is None where no API key is needed; the first of `answers` is the usual one.

    One `for_visitors` belongs to the visitor protocol, and `by_visitor` is what needs a visitor's session.
    """

    id: str
    method: str
    path: str
    summary: str
    description: str
    tag: str
    tag_description: str
    scope: str | None
    for_visitors: bool
    by_visitor: bool
    parameters: list[Parameter]
    body: Any
    body_type: str
    answers: list[Answer]
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
        for_visitors=bool(handler.opt.get("for_visitors")),
        by_visitor=bool(handler.opt.get("for_visitors")) and not handler.opt.get("public"),
        parameters=list(_read_parameters(handler, route, kinds)),
        body=_bare(kinds.get("data")),
        body_type=_body_type(kinds.get("data")),
        answers=list(_read_answers(kinds.get("return"), handler)),
        problems=list(handler.opt.get("problems", ())),
        example=handler.opt.get("example", msgspec.UNSET),
        request_example=handler.opt.get("request_example", msgspec.UNSET),
    )


def _read_parameters(handler: HTTPRouteHandler, route: HTTPRoute, kinds: Mapping[str, Any]) -> Iterator[Parameter]:
    defaults = {name: parameter.default for name, parameter in inspect.signature(handler.fn).parameters.items()}
    skipped = NOT_PARAMETERS | set(handler.resolve_dependencies())
    for name, kind in kinds.items():
        if name in skipped:
            continue
        told = next((one for one in _metadata(kind) if isinstance(one, ParameterKwarg)), QueryParameter())
        default = defaults.get(name, inspect.Parameter.empty)
        required = default is inspect.Parameter.empty
        yield Parameter(
            name=told.name or name,
            place="path" if name in route.path_parameters else PLACES[told.param_type],
            kind=Annotated[_never_null(_bare(kind)), _limits(told)],
            description=told.description or "",
            required=required,
            default=msgspec.UNSET if required or default is None else default,
        )


PLACES: dict[ParamType, Place] = {ParamType.QUERY: "query", ParamType.HEADER: "header", ParamType.PATH: "path"}
LIMITS = ("ge", "gt", "le", "lt", "multiple_of", "pattern", "min_length", "max_length")


def _never_null(kind: Any) -> Any:
    """A parameter that is absent is not null, whatever its type says in Python."""
    if get_origin(kind) not in {Union, UnionType}:
        return kind
    return Union[tuple(one for one in get_args(kind) if one is not type(None))]  # noqa: UP007  made at run time


def _limits(told: ParameterKwarg) -> msgspec.Meta:
    """Litestar's limits as msgspec's, which go into the schema."""
    return msgspec.Meta(**{name: getattr(told, name) for name in LIMITS if getattr(told, name) is not None})


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


def _read_answers(kind: Any, handler: HTTPRouteHandler) -> Iterator[Answer]:
    """The answer of the return annotation, and those declared beside it by `responses={200: ResponseSpec(...)}`."""
    usual, media_type = _read_answer(kind, handler)
    described = handler.response_description or handler.summary or ""
    forms = handler.opt.get("forms", {})
    yield Answer(status=handler.status_code, kind=usual, media_type=media_type, description=described, forms=forms)
    for status, spec in (handler.responses or {}).items():
        media_type = _media_type(spec.media_type)
        yield Answer(status=status, kind=spec.data_container, media_type=media_type, description=spec.description)


def _media_type(declared: MediaType | str | None) -> str:
    return str(getattr(declared, "value", declared) or MediaType.JSON.value)


def _read_answer(kind: Any, handler: HTTPRouteHandler) -> tuple[Any, str]:
    """The type behind the return annotation, and its media type: `Response[Agent]` holds an Agent, a stream bytes."""
    declared = _media_type(handler.media_type)
    origin = get_origin(kind) or kind
    if kind in {None, type(None)} or origin is Redirect:
        return None, ""
    if isinstance(origin, type) and issubclass(origin, Stream | File):
        return bytes, "application/octet-stream" if declared == MediaType.JSON.value else declared
    if isinstance(origin, type) and issubclass(origin, Response):
        return _read_answer(get_args(kind)[0], handler) if get_args(kind) else (bytes, declared)
    return kind, declared
