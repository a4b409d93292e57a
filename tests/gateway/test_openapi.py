"""The published description is complete, valid, and says what really happens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from litestar import Controller, Litestar, Response, Router, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream
from openapi_spec_validator import validate

from channels.parts import AnyPart
from gateway.openapi import describe_api, list_operations
from gateway.openapi.examples import make_example
from inbox.api import CONTROLLERS
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit
from tests.api import open_api

GIVEN = {
    "example": {"object": "note", "id": "n", "parts": [], "edited_at": None},
    "request_example": {"parts": [{"type": "text", "text": "mine"}]},
}
VERB_NOUN = re.compile(r"[a-z]+([A-Z][a-z0-9]*)+")


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """What to write."""

    parts: list[AnyPart]
    pinned: bool = False


class NoteObject(msgspec.Struct, kw_only=True):
    """What was written."""

    object: str = "note"
    id: str
    parts: list[AnyPart]
    edited_at: str | None = None


class NoteController(Controller):
    """Notes, for the tests."""

    path = "/notes"
    tags = ("Notes",)

    @get("/", opt={"scope": "admin"}, operation_id="listNotes", summary="List notes")
    async def index(
        self,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
        since: Annotated[str | None, QueryParameter(name="from", description="From then on.", min_length=4)] = None,
        language: Annotated[str | None, HeaderParameter(name="Accept-Language")] = None,
    ) -> Page[NoteObject]:
        """All of them."""
        raise AssertionError(limit, cursor, since, language)

    @post("/", opt={"scope": "admin", "problems": ["state_conflict"]}, operation_id="createNote", summary="Write",
          responses={200: ResponseSpec(NoteObject, generate_examples=False, description="It was there.")})  # fmt: skip
    async def create(self, data: JSONBody[NewNote]) -> Response[NoteObject]:
        """Write one."""
        raise AssertionError(data)

    @put("/{note_id:str}", opt={"scope": "admin", **GIVEN}, operation_id="putNote", summary="Replace")
    async def replace(self, note_id: FromPath[str], data: JSONBody[NewNote]) -> NoteObject:
        """Replace one."""
        raise AssertionError(note_id, data)

    @get("/stream", opt={"public": True}, operation_id="streamNotes", summary="Follow", media_type="text/event-stream")
    async def follow(self) -> Stream:
        """Live."""
        raise AssertionError


@pytest.fixture(scope="module")
def notes() -> dict[str, Any]:
    """The description of the controller above."""
    return published([NoteController])


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description of the whole public API."""
    return published(CONTROLLERS)


def published(controllers: list[type[Controller]]) -> dict[str, Any]:
    """The description as JSON would bring it."""
    raw = msgspec.json.encode(describe_api(application(controllers), version="1"))
    return msgspec.json.decode(raw, type=dict[str, Any])


def application(controllers: list[type[Controller]]) -> Litestar:
    """An application to be described, not called: dependencies are there by name only."""
    names = {name for controller in controllers for name in dependency_names(controller)}
    nothing = {name: Provide(lambda: None, sync_to_thread=False) for name in names}
    return Litestar([Router("/v1", route_handlers=controllers)], dependencies=nothing, openapi_config=None)


def dependency_names(controller: type[Controller]) -> Iterator[str]:
    """What the handlers of a controller ask for by name."""
    marker = get_args(NamedDependency[int])[1]
    for handler in vars(controller).values():
        if isinstance(handler, HTTPRouteHandler):
            for name, kind in get_type_hints(handler.fn, include_extras=True).items():
                if any(type(one) is type(marker) for one in getattr(kind, "__metadata__", ())):
                    yield name


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation under its id."""
    for methods in document["paths"].values():
        for operation in methods.values():
            yield operation["operationId"], operation


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body, in and out, with where it stands."""
    for name, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{name} request", content
        for status, answer in operation["responses"].items():
            for content in answer.get("content", {}).values():
                yield f"{name} {status}", content


def test_the_document_is_openapi(document: dict[str, Any], notes: dict[str, Any]) -> None:
    """Both documents are valid OpenAPI 3.1."""
    validate(document)
    validate(notes)


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    """A verb and a noun, a summary, exactly one tag that is described, and who may call it."""
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for name, operation in operations(document):
        assert VERB_NOUN.fullmatch(name), name
        assert 0 < len(operation["summary"]) <= 80, name
        assert len(operation["tags"]) == 1, name
        assert tags[operation["tags"][0]], name
        assert ("x-scope" in operation) != (operation.get("security") == []), name
    names = [name for name, _ in operations(document)]
    assert len(names) == len(set(names))


def test_every_body_has_an_example_that_is_true(document: dict[str, Any]) -> None:
    """Each request, answer and problem has an example, and the example is what its schema says."""
    for place, content in bodies(document):
        examples = [content["example"]] if "example" in content else list(_resolved(document, content["examples"]))
        assert examples, place
        check = Draft202012Validator({**content["schema"], "components": document["components"]})
        for example in examples:
            errors = [error.message for error in check.iter_errors(example)]
            assert not errors, (place, errors)


def _resolved(document: dict[str, Any], examples: dict[str, Any]) -> Iterator[Any]:
    for example in examples.values():
        yield document["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]


def test_bodies_are_named(document: dict[str, Any]) -> None:
    """What a JSON body is made of is a component, so that generated clients have a name for it."""
    for name, operation in operations(document):
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in contents:
            schema = content.get("content", {}).get("application/json", {}).get("schema")
            assert schema is None or "$ref" in schema, name


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    """4xx and 5xx are problem documents, except where the answer itself is documented beside them."""
    for name, operation in operations(document):
        assert "500" in operation["responses"], name
        for status, answer in operation["responses"].items():
            if status >= "400" and "application/problem+json" in answer["content"]:
                content = answer["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, name


def test_unions_have_discriminators(notes: dict[str, Any]) -> None:
    """A tagged union says which field tells its members apart, and which tag means which."""
    items = notes["components"]["schemas"]["NewNote"]["properties"]["parts"]["items"]
    assert items["discriminator"]["propertyName"] == "type"
    assert items["discriminator"]["mapping"]["text"] == "#/components/schemas/Text"
    assert {"$ref": "#/components/schemas/Text"} in items["oneOf"]


def test_answers_require_what_requests_may_leave_out(notes: dict[str, Any]) -> None:
    """Nulls are present in answers, so all their fields are required; a request's defaults may be absent."""
    schemas = notes["components"]["schemas"]
    assert schemas["Note"]["required"] == ["object", "id", "parts", "edited_at"]
    assert schemas["NewNote"]["required"] == ["parts"]
    assert schemas["NewNote"]["additionalProperties"] is False
    assert schemas["NotePage"]["required"] == ["data", "page"]


def test_moments_are_date_times(notes: dict[str, Any]) -> None:
    """Fields that hold a moment say so, null or not."""
    edited = notes["components"]["schemas"]["Note"]["properties"]["edited_at"]
    assert {"type": "string", "format": "date-time"} in edited["anyOf"]


def test_parameters_carry_their_limits(notes: dict[str, Any]) -> None:
    """Name, place, limits, default and description of a parameter are those the handler declares."""
    found = {one["name"]: one for one in notes["paths"]["/v1/notes"]["get"]["parameters"] if "name" in one}
    assert found["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert found["from"]["schema"] == {"type": "string", "minLength": 4}
    assert (found["from"]["description"], found["from"]["required"]) == ("From then on.", False)
    assert found["Accept-Language"]["in"] == "header"
    assert notes["paths"]["/v1/notes/{note_id}"]["put"]["parameters"][0]["required"] is True


def test_other_answers_and_problems_are_documented(notes: dict[str, Any]) -> None:
    """A second success status, declared problems, and the frame's own refusals all stand there."""
    create = notes["paths"]["/v1/notes"]["post"]
    assert {"200", "201", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"} == set(
        create["responses"]
    )
    assert create["responses"]["200"]["description"] == "It was there."
    assert list(create["responses"]["200"]["content"]) == ["application/json"]
    conflict = create["responses"]["409"]["content"]["application/problem+json"]["examples"]
    assert set(conflict) == {"request_in_progress", "state_conflict"}
    assert {"$ref": "#/components/parameters/IdempotencyKey"} in create["parameters"]


def test_given_examples_win(notes: dict[str, Any]) -> None:
    """`opt={"example": ..., "request_example": ...}` replaces what would be made."""
    replace = notes["paths"]["/v1/notes/{note_id}"]["put"]
    assert replace["requestBody"]["content"]["application/json"]["example"]["parts"][0]["text"] == "mine"
    assert replace["responses"]["200"]["content"]["application/json"]["example"]["id"] == "n"


def test_a_stream_is_text(notes: dict[str, Any]) -> None:
    """A live stream has its media type, and needs no key where it says so."""
    follow = notes["paths"]["/v1/notes/stream"]["get"]
    assert set(follow["responses"]["200"]["content"]) == {"text/event-stream"}
    assert follow["security"] == []


@pytest.mark.parametrize("kind", [Page[NoteObject], NewNote, list[AnyPart], dict[str, int], str | None])
def test_a_made_example_is_of_its_type(kind: Any) -> None:
    """Whatever the type, what is made for it can be read as it."""
    msgspec.convert(make_example(kind), kind)


def test_links_lead_from_what_was_made_to_what_can_be_done_with_it(document: dict[str, Any]) -> None:
    """Every answer that made something names the operations its id opens, and each of them takes that id."""
    operations = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}
    made = operations["createContact"]["responses"]["201"]["links"]
    assert {"getContact", "updateContact", "blockContact"} <= set(made)
    for link in document["components"]["links"].values():
        [parameter] = link["parameters"]
        needed = [one["name"] for one in operations[link["operationId"]]["parameters"] if one.get("in") == "path"]
        assert (needed, link["parameters"][parameter]) == ([parameter], "$response.body#/id")


def test_operations_are_in_one_order() -> None:
    """The document is the same on every machine, so that its changes can be read."""
    found = [(one.path, one.method) for one in list_operations(application([NoteController]))]
    assert found == [
        ("/v1/notes", "get"),
        ("/v1/notes", "post"),
        ("/v1/notes/stream", "get"),
        ("/v1/notes/{note_id}", "put"),
    ]


def test_the_running_application_serves_it(database_url: str) -> None:
    """/openapi.json is the document of what is served, and needs no key."""

    async def run() -> None:
        async with open_api(database_url) as api:
            served = await api.call("GET", "/openapi.json", key=None)
        assert (served.status_code, served.headers["content-type"]) == (200, "application/json")
        validate(served.json())
        assert {"/v1/agents", "/v1/meta", "/health/ready"} <= set(served.json()["paths"])

    asyncio.run(run())
