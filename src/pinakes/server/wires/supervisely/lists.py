"""Lists: what a client asks of one (`page`, `per_page`, `sort`, `filter`), and the page that it gets.

Short lists (teams, members, collections …) come whole from their room and are filtered, ordered and cut here, by the
fields of their entities as they are sent: `page_of(asked, entities)`. Long ones are found by their room; its filters
are made of `asked.filter`, and `values.envelope` or `values.token_page` writes the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from pydantic import Field, TypeAdapter

from pinakes.server.errors import Invalid
from pinakes.server.wires.supervisely.calls import Form, decoded
from pinakes.server.wires.supervisely.values import envelope

MOST_PER_PAGE = 10_000
PER_PAGE = 500

# The operators, and their other spellings.
OPERATORS = ("=", "!=", "in", "!in", ">", ">=", "<", "<=", "like", "!like", "ilike", "!ilike")
_SPELLINGS = {"eq": "=", "not": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

Entity = Mapping[str, Any]
F = TypeVar("F")


class Condition(Form):
    """One condition of `filter`: all have to hold."""

    field: str
    operator: str = "="
    value: Any = None

    @property
    def op(self) -> str:
        """The operator in its first spelling."""
        found = self.operator.strip().lower()
        found = _SPELLINGS.get(found, found)
        if found not in OPERATORS:
            message = f"filter: {self.operator[:50]!r} is no operator; there are {', '.join(OPERATORS)}."
            raise Invalid(message, field="filter")
        return found


class Kind(Form):
    """One condition of `filters`: a kind of filter, and what it needs."""

    type: str
    data: dict[str, Any] = Field(default_factory=dict)

    def read(self, form: type[F]) -> F:
        """Read what it needs; Invalid (field `filters`) where that is not there."""
        try:
            return decoded(TypeAdapter(form), self.data, is_json=True)
        except Invalid as error:
            message = f"filters: {self.type[:50]}: {error.message}"
            raise Invalid(message, field="filters") from error


class Listing(Form):
    """What every list may be asked for."""

    page: int | None = None
    per_page: int | None = Field(None, alias="per_page")
    sort: str | None = None
    sort_order: str | None = Field(None, alias="sort_order")
    filter: list[Condition] | None = None
    filters: list[Kind] | None = None
    fields: list[str] | None = None
    extra_fields: list[str] | None = None
    pagination_mode: str | None = Field(None, alias="pagination_mode")
    after: str | int | None = None

    @property
    def by_token(self) -> bool:
        """Whether the list is read by token instead of by number of page."""
        return self.pagination_mode == "token"

    @property
    def descending(self) -> bool:
        """Whether the order is turned around."""
        order = (self.sort_order or "asc").lower()
        if order not in {"asc", "desc"}:
            message = "sort_order: it is asc or desc."
            raise Invalid(message, field="sort_order")
        return order == "desc"

    def size(self, default: int = PER_PAGE, most: int = MOST_PER_PAGE) -> int:
        """How many entities a page has."""
        wanted = default if self.per_page is None else self.per_page
        if wanted < 1:
            message = "per_page: it is at least 1."
            raise Invalid(message, field="per_page")
        return min(wanted, most)

    def start(self, size: int) -> int:
        """How many entities come before the page."""
        page = 1 if self.page is None else self.page
        if not 1 <= page <= 2**31:
            message = "page: pages are counted from 1."
            raise Invalid(message, field="page")
        return (page - 1) * size

    def wants(self, name: str) -> bool:
        """Tell whether `extraFields` names a field."""
        return name in (self.extra_fields or ())

    def only(self, name: str, *operators: str) -> list[Any] | None:
        """Return the values that a field is limited to by `=` and `in`, or None where it is not."""
        found = [each for each in self.filter or () if each.field == name and each.op in (operators or ("=", "in"))]
        if not found:
            return None
        sets = [each.value if isinstance(each.value, list) else [each.value] for each in found]
        return [value for value in sets[0] if all(value in other for other in sets[1:])]


def page_of(
    asked: Listing, entities: Sequence[Entity], *, default: int = PER_PAGE, hidden: Sequence[str] = ()
) -> dict[str, Any]:
    """Filter, order and cut a whole list of entities as they are sent.

    Args:
        asked: What the client asks for.
        entities: All that it may see, as they are sent.
        default: The size of a page when it says none.
        hidden: Fields that are there for filters only, and are not sent.
    """
    found = [each for each in entities if all(_holds(each, condition) for condition in asked.filter or ())]
    order = asked.sort or "id"
    if found and order not in found[0]:
        message = f"sort: the fields to sort by are {', '.join(found[0])}."
        raise Invalid(message, field="sort")
    found.sort(key=lambda each: each.get("id", 0))
    found.sort(key=lambda each: _sortable(each[order]), reverse=asked.descending)
    size = asked.size(default)
    start = asked.start(size)
    shown = [{key: value for key, value in each.items() if key not in hidden} for each in found[start : start + size]]
    return envelope(shown, len(found), size)


def _sortable(value: Any) -> tuple[int, Any]:  # noqa: ANN401 - whatever a field holds
    if value is None:
        return (2, 0)
    if isinstance(value, int | float):
        return (0, value)
    return (1, str(value))


def _holds(entity: Entity, condition: Condition) -> bool:
    if condition.field not in entity:
        message = f"filter: there is no field {condition.field[:50]!r}; there are {', '.join(entity)}."
        raise Invalid(message, field="filter")
    return holds(entity[condition.field], condition)


def holds(found: Any, condition: Condition) -> bool:  # noqa: ANN401 - whatever a field holds
    """Tell whether a value satisfies a condition."""
    op, wanted = condition.op, condition.value
    if op in {"in", "!in"}:
        if not isinstance(wanted, list):
            message = f"filter: {condition.field}: the value of {op} is a list."
            raise Invalid(message, field="filter")
        return any(_same(found, each) for each in wanted) == (op == "in")
    if op in {"=", "!="}:
        return _same(found, wanted) == (op == "=")
    if op.endswith("like"):
        return _like(str(found or ""), str(wanted), op) != op.startswith("!")
    return found is not None and _COMPARED[op](*_comparable(found, wanted, condition.field))


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def _same(found: Any, wanted: Any) -> bool:  # noqa: ANN401 - whatever a field holds
    if isinstance(found, int) and not isinstance(found, bool) and isinstance(wanted, str):
        return wanted == str(found)
    return found == wanted


def _like(found: str, wanted: str, op: str) -> bool:
    if op.endswith("ilike"):
        found, wanted = found.lower(), wanted.lower()
    pattern = "".join({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}.get(letter, letter) for letter in wanted)
    return fnmatchcase(found, pattern)


def _comparable(found: Any, wanted: Any, field: str) -> tuple[Any, Any]:  # noqa: ANN401 - whatever a field holds
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return found, wanted
    if isinstance(found, str) and isinstance(wanted, str):
        return found, wanted
    message = f"filter: {field} can't be compared with {str(wanted)[:50]!r}."
    raise Invalid(message, field="filter")
