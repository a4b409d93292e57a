"""Attribute definitions over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from inbox.contacts.attributes.actions import (
    DefinitionChange,
    define_attribute,
    drop_attribute,
    redefine_attribute,
    set_strictness,
)
from inbox.contacts.attributes.definition import MAX_OPTIONS, AppliesTo, AttributeKey, AttributeType, Option
from inbox.contacts.attributes.queries import DefinitionRow, find_definition, list_definitions, strict_objects
from inbox.kit.callers import Caller
from inbox.kit.clock import show_time
from inbox.kit.ids import read_id, show_id
from inbox.kit.pages import DEFAULT_LIMIT, Page, PageCursor, PageLimit, cut_page, read_cursor

READ = {"scope": "contacts:read"}
ADMIN = {"scope": "admin", "problems": ["state_conflict"]}

DefinitionName: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])", examples=["Order date"])
]
Description: TypeAlias = Annotated[str, msgspec.Meta(max_length=500)]
Options: TypeAlias = Annotated[list[Option], msgspec.Meta(max_length=MAX_OPTIONS)]
Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=32_767)]


class NewAttribute(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A definition. A required attribute must be given when an object is created over the API."""

    applies_to: AppliesTo
    key: AttributeKey
    name: DefinitionName
    type: Annotated[AttributeType, msgspec.Meta(examples=["date"])]
    description: Description | None = None
    required: bool = False
    options: Options = []
    position: Position = 0


class AttributePatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What to change; what is absent stays. Kind of object and key stay for ever."""

    name: DefinitionName | msgspec.UnsetType = msgspec.UNSET
    type: AttributeType | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType | None = msgspec.UNSET
    required: bool | msgspec.UnsetType = msgspec.UNSET
    options: Options | msgspec.UnsetType = msgspec.UNSET
    position: Position | msgspec.UnsetType = msgspec.UNSET


class AttributeObject(msgspec.Struct, kw_only=True, frozen=True):
    """What a key of `attributes` takes on one kind of object."""

    object: Literal["attribute"] = "attribute"
    id: str
    version: int
    applies_to: AppliesTo
    key: AttributeKey
    name: DefinitionName
    type: Annotated[AttributeType, msgspec.Meta(examples=["date"])]
    description: str | None
    required: bool
    options: Annotated[list[str], msgspec.Meta(examples=[[]])]
    position: int
    created_at: str
    updated_at: str


class StrictPatch(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """For which kinds of object undefined keys of `attributes` are refused from now on."""

    contact: bool | msgspec.UnsetType = msgspec.UNSET
    conversation: bool | msgspec.UnsetType = msgspec.UNSET
    company: bool | msgspec.UnsetType = msgspec.UNSET


class StrictObject(msgspec.Struct, kw_only=True, frozen=True):
    """Whether undefined keys of `attributes` are refused, per kind of object; at first none are."""

    object: Literal["attribute_policy"] = "attribute_policy"
    contact: bool
    conversation: bool
    company: bool


class AttributeController(Controller):
    """What is known of contacts, conversations and companies beyond their own fields."""

    path = "/attributes"
    tags = ("Attributes",)

    @get("/", opt=READ, operation_id="listAttributes", summary="List attribute definitions")
    async def list_attributes(
        self,
        *,
        applies_to: Annotated[AppliesTo | None, QueryParameter(description="Those of one kind of object.")] = None,
        limit: PageLimit = DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Page[AttributeObject]:
        """By kind of object, then by their position."""
        of = ["attributes", applies_to]
        after = read_cursor(cursor, tuple[str, int, str], of=of)
        rows = await list_definitions(applies_to, after=after, limit=limit + 1)
        return cut_page(rows, limit, key=_place, of=of, show=show_definition)

    @post("/", opt=ADMIN, operation_id="createAttribute", summary="Define an attribute")
    async def create_attribute(
        self, *, caller: NamedDependency[Caller], data: JSONBody[NewAttribute]
    ) -> AttributeObject:
        """From now on what is written under the key must fit; what lies there already stays readable as it is."""
        fields = {name: getattr(data, name) for name in DefinitionChange.__struct_fields__}
        made = await define_attribute(data.applies_to, data.key, DefinitionChange(**fields), actor=caller.actor)
        return show_definition(await find_definition(made))

    @get("/policy", opt=READ, operation_id="getAttributePolicy", summary="See whether undefined keys are refused")
    async def get_attribute_policy(self) -> StrictObject:
        """Per kind of object."""
        return await _show_policy()

    @patch("/policy", opt=ADMIN, operation_id="updateAttributePolicy", summary="Refuse undefined keys, or let them be")
    async def update_attribute_policy(
        self, *, caller: NamedDependency[Caller], data: JSONBody[StrictPatch]
    ) -> StrictObject:
        """Where it is strict, writing an undefined key is refused; keys that lie there already stay and can go."""
        await set_strictness(msgspec.to_builtins(data), actor=caller.actor)
        return await _show_policy()

    @get("/{attribute_id:str}", opt=READ, operation_id="getAttribute", summary="Get an attribute definition")
    async def get_attribute(self, attribute_id: FromPath[str]) -> AttributeObject:
        """One definition."""
        return show_definition(await find_definition(read_id("atr", attribute_id)))

    @patch("/{attribute_id:str}", opt=ADMIN, operation_id="updateAttribute", summary="Change an attribute definition")
    async def update_attribute(
        self, *, caller: NamedDependency[Caller], attribute_id: FromPath[str], data: JSONBody[AttributePatch]
    ) -> AttributeObject:
        """Refused where it would change the type of existing values, or drop an option that some have chosen."""
        definition = read_id("atr", attribute_id)
        await redefine_attribute(definition, msgspec.to_builtins(data), actor=caller.actor)
        return show_definition(await find_definition(definition))

    @delete("/{attribute_id:str}", opt=ADMIN, operation_id="deleteAttribute", summary="Drop an attribute definition")
    async def delete_attribute(self, *, caller: NamedDependency[Caller], attribute_id: FromPath[str]) -> None:
        """No value is lost: they stay under their key, untyped."""
        await drop_attribute(read_id("atr", attribute_id), actor=caller.actor)


def show_definition(row: DefinitionRow) -> AttributeObject:
    """A definition as the API shows it."""
    return AttributeObject(
        id=show_id("atr", row.id),
        version=row.version,
        applies_to=row.applies_to,
        key=row.key,
        name=row.name,
        type=row.type,
        description=row.description,
        required=row.required,
        options=row.options,
        position=row.position,
        created_at=show_time(row.created_at),
        updated_at=show_time(row.updated_at),
    )


async def _show_policy() -> StrictObject:
    strict = await strict_objects()
    return StrictObject(contact=strict["contact"], conversation=strict["conversation"], company=strict["company"])


def _place(row: DefinitionRow) -> tuple[str, int, str]:
    return row.applies_to, row.position, row.key
