"""What the client can ask for and this server does not offer: sweeps, launch, automations, reports, charts.

Its documents fit the schema nevertheless (`elsewhere.graphql` has the types): what is read is nothing or an empty list,
and what would change something is refused in words, not as a document that the server does not understand.
"""

from __future__ import annotations

from importlib import resources
from types import SimpleNamespace
from typing import Any, NoReturn

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    extend_schema,
    get_named_type,
    parse,
)

from pinakes.server.wires.wandb.offers import not_offered
from pinakes.server.wires.wandb.pages import PageInfo

# By what its name has in it, what a mutation would be for.
WHAT = (
    ("sweep", "Sweeps are"),
    ("agent", "Sweeps and launch agents are"),
    ("queue", "Launch queues are"),
    ("resourceconfig", "Launch queues are"),
    ("chart", "Custom charts are"),
    ("trigger", "Automations are"),
    ("integration", "Automations are"),
)

_END = PageInfo(end_cursor=None, has_next_page=False)
# An empty page, by the names of this API and by ours: some of the types are ours.
_NOTHING = SimpleNamespace(edges=(), pageInfo=_END, page_info=_END, total_count=0)


def with_elsewhere(schema: GraphQLSchema) -> GraphQLSchema:
    """Add to a schema what is not offered."""
    text = resources.files("pinakes.server.wires.wandb").joinpath("elsewhere.graphql").read_text(encoding="utf-8")
    extended = extend_schema(schema, parse(text))
    for name, known in schema.type_map.items():
        found = extended.type_map[name]
        if isinstance(known, GraphQLEnumType) and isinstance(found, GraphQLEnumType):
            _convert_alike(known, found)
        elif isinstance(known, GraphQLUnionType) and isinstance(found, GraphQLUnionType):
            _tell_alike(known, found)
        elif isinstance(known, GraphQLObjectType) and isinstance(found, GraphQLObjectType):
            for field_name in found.fields.keys() - known.fields.keys():
                _resolve(found, field_name)
    return extended


def _convert_alike(known: GraphQLEnumType, found: GraphQLEnumType) -> None:
    """Let a copy of an enumeration convert as the original, which knows the Python class."""
    for verb in ("coerce_output_value", "coerce_input_value", "coerce_input_literal"):
        setattr(found, verb, getattr(known, verb))


def _tell_alike(known: GraphQLUnionType, found: GraphQLUnionType) -> None:
    """Let a copy of a union tell its types as the original, which knows their Python classes."""
    tell = known.resolve_type
    assert tell is not None
    found.resolve_type = lambda value, info, _copy: tell(value, info, known)


def _resolve(owner: GraphQLObjectType, field_name: str) -> None:
    """Give a field that was added its answer."""
    field = owner.fields[field_name]
    if owner.name == "Mutation":
        field.resolve = _refuse
    else:
        answer = _empty(field)
        field.resolve = lambda _source, _info, **_given: answer


def _refuse(_source: object, info: GraphQLResolveInfo[Any], **_given: Any) -> NoReturn:  # noqa: ANN401 - unused
    name = info.field_name.lower()
    raise not_offered(next(what for word, what in WHAT if word in name))


def _empty(field: GraphQLField) -> object:
    """Return what a field that nobody has any of answers."""
    wanted = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    if isinstance(wanted, GraphQLList):
        return ()
    return _NOTHING if get_named_type(wanted).name.endswith("Connection") else None
