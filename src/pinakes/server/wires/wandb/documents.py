"""GraphQL documents: parsed and checked once, however often they come; and their variables, made fit for the schema.

The client sends the same few dozen documents over and over, so what was made of a document's text is remembered. It
also sends input fields that this server never heard of (each release adds some): they are dropped, by walking the types
that the document declares for its variables, before anything is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLType,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    type_from_ast,
    validate,
)

from pinakes.server.errors import Invalid
from pinakes.server.wires.wandb.schema import SCHEMA

# Far beyond any document of the client's, and not enough to keep the server busy: what it costs to check one grows with
# the square of its tokens.
LONGEST = 100_000
MOST_TOKENS = 2000
DEEPEST = 24
MOST_LISTS_WITHIN_EACH_OTHER = 5
# The client's longest document has some 10,000 characters; a longer one is not worth the memory.
LONGEST_REMEMBERED = 12_000

# What is asked of the server alone: nobody is any the wiser for it, and it does not change while the process lives.
CONSTANT = frozenset({"serverInfo"})

Variables = dict[str, Any]
Cleaner = Callable[[Any], Any]


class Refused(Invalid):
    """The document is not valid."""

    def __init__(self, problems: list[GraphQLError]) -> None:
        """Keep all that is wrong with it."""
        super().__init__(problems[0].message)
        self.problems: list[GraphQLError] = problems


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a document.

    Attributes:
        name: Its name, if it has one.
        fields: The names of its topmost fields.
        constant: Its answer is the same for everybody, always.
        cleaners: What to do to those variables whose types are input objects.
    """

    document: DocumentNode
    name: str | None
    changes: bool
    fields: frozenset[str]
    constant: bool
    cleaners: Mapping[str, Cleaner]

    def variables(self, given: Mapping[str, Any]) -> Variables:
        """Return variables without the keys that their types don't have."""
        cleaners = self.cleaners
        return {name: cleaners[name](value) if name in cleaners else value for name, value in given.items()}


def operation(text: str, name: str | None) -> Operation:
    """Find the operation of a name (the only one, without a name) in a document.

    Raises:
        Refused: the document is no GraphQL, or does not fit the schema.
        Invalid: it has no such operation.
    """
    if len(text) > LONGEST:
        message = f"A document has at most {LONGEST} characters."
        raise Refused([GraphQLError(message)])
    found = _remembered(text) if len(text) <= LONGEST_REMEMBERED else _operations(text)
    if not name and len(found) == 1:
        return next(iter(found.values()))
    try:
        return found[name or ""]
    except KeyError:
        message = f"The document has no operation {name!r}." if name else "Say which operation of the document to run."
        raise Invalid(message, field="operationName") from None


def _operations(text: str) -> dict[str, Operation]:
    """Parse and check a document."""
    try:
        document = parse(text, no_location=True, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        raise Refused([error]) from error
    except RecursionError as error:
        message = "The document is nested too deeply."
        raise Refused([GraphQLError(message)]) from error
    problems = validate(SCHEMA, document, max_errors=10)
    if problems:
        raise Refused(problems)
    _check_size(document)
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return {node.name.value if node.name else "": _operation(document, node) for node in found}


_remembered = lru_cache(maxsize=256)(_operations)


def _operation(document: DocumentNode, node: OperationDefinitionNode) -> Operation:
    cleaners: dict[str, Cleaner] = {}
    for definition in node.variable_definitions or ():
        cleaner = _cleaner(type_from_ast(SCHEMA, definition.type))
        if cleaner is not None:
            cleaners[definition.variable.name.value] = cleaner
    fields = frozenset(_fields(node.selection_set, document))
    return Operation(
        document=document,
        name=node.name.value if node.name else None,
        changes=node.operation is OperationType.MUTATION,
        fields=fields,
        constant=fields == CONSTANT and not node.variable_definitions,
        cleaners=cleaners,
    )


def _fields(selections: SelectionSetNode, document: DocumentNode) -> Iterator[str]:
    """Name the fields that are selected at the top, wherever they are written."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, document)
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(fragments[node.name.value].selection_set, document)


def _cleaner(wanted: GraphQLType | None) -> Cleaner | None:
    """Return what drops unknown keys from values of a type; None for a type without keys."""
    if isinstance(wanted, GraphQLNonNull):
        return _cleaner(wanted.of_type)
    if isinstance(wanted, GraphQLList):
        inner = _cleaner(wanted.of_type)
        return _of_list(inner) if inner is not None else None
    if isinstance(wanted, GraphQLInputObjectType):
        return _of_object(wanted)
    return None


def _of_list(inner: Cleaner) -> Cleaner:
    def clean(value: Any) -> Any:  # noqa: ANN401 - JSON
        return [inner(each) for each in value] if isinstance(value, list) else inner(value)

    return clean


def _of_object(wanted: GraphQLInputObjectType) -> Cleaner:
    cleaners = {name: _cleaner(field.type) for name, field in wanted.fields.items()}

    def clean(value: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(value, dict):
            return value
        kept: dict[str, Any] = {}
        for name, each in value.items():
            if name in cleaners:
                cleaner = cleaners[name]
                kept[name] = cleaner(each) if cleaner is not None else each
        return kept

    return clean


def _check_size(document: DocumentNode) -> None:
    """Refuse a document that would take very long: nested deeply, or with lists of lists of lists."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    measured: dict[str, tuple[int, int]] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            depth, lists = _measure(node.selection_set, fragments, measured)
            if depth > DEEPEST or lists > MOST_LISTS_WITHIN_EACH_OTHER:
                message = "The document is nested too deeply."
                raise Refused([GraphQLError(message)])


def _measure(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], measured: dict[str, tuple[int, int]]
) -> tuple[int, int]:
    """Return how deep selections go, and how many lists (`edges`) are within each other."""
    deepest, most = 0, 0
    for node in selections.selections:
        depth, lists = 0, 0
        if isinstance(node, FieldNode):
            inner = _measure(node.selection_set, fragments, measured) if node.selection_set else (0, 0)
            depth, lists = inner[0] + 1, inner[1] + (node.name.value == "edges")
        elif isinstance(node, InlineFragmentNode):
            depth, lists = _measure(node.selection_set, fragments, measured)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in measured:
                measured[name] = _measure(fragments[name].selection_set, fragments, measured)
            depth, lists = measured[name]
        deepest, most = max(deepest, depth), max(most, lists)
    return deepest, most
