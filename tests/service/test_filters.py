"""Compiled filters on real rows: PostgreSQL finds what an evaluation in Python finds, whatever is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from factories.catalog import Facts
from pinakes.server.search import mongo, patterns
from pinakes.server.search.fields import Json, Number, Text, Time, Words
from pinakes.server.search.filters import Fields, Word, condition, plain

Row = dict[str, Any]

MISSING = object()
FIELDS: Fields = {
    "name": Text("t.name"),
    "number": Number("t.number", letter="v"),
    "at": Time("t.at"),
    "tag": Words("t.tags"),
    "alias": Words("y.alias", "filter_aliases as y where y.id = t.id"),
    "facts": Json("t.facts"),
}

# Few values, so that they meet each other.
TEXTS = ("", "a", "b", "ab", "A", "é", "v1", "10", "a.b")
NUMBERS = (-1, 0, 1, 2, 10)
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
TIMES = tuple(NOON + timedelta(hours=hours) for hours in (-1, 0, 1))
PATTERNS = ("a", "^a", "b$", "^$", "A|é", "[0-9]+", "v1?", "a.b", "(ab)?$")

texts = st.sampled_from(TEXTS)
numbers = st.sampled_from(NUMBERS)
scalars = st.none() | st.booleans() | st.sampled_from((*NUMBERS, 0.5, 1.0)) | texts
keys = st.sampled_from(("x", "y", "0"))
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
rows = st.fixed_dictionaries(
    {
        "name": st.none() | texts,
        "number": st.none() | numbers,
        "at": st.none() | st.sampled_from(TIMES),
        "tag": st.lists(texts, max_size=3, unique=True),
        "alias": st.lists(texts, max_size=2, unique=True),
        "facts": st.dictionaries(keys, documents, max_size=3),
    }
)


def operators(
    values: st.SearchStrategy[Any], *, ordered: bool = False, found: bool = False, listed: bool = False
) -> st.SearchStrategy[Any]:
    """What a field of some values can be asked."""
    asked = {
        "$eq": values,
        "$ne": values,
        "$in": st.lists(values, max_size=3),
        "$nin": st.lists(values, max_size=3),
        "$exists": st.booleans(),
    }
    if ordered:
        asked |= dict.fromkeys(("$lt", "$lte", "$gt", "$gte"), values.filter(lambda value: value is not None))
    if found:
        asked |= {"$contains": texts, "$regex": st.sampled_from(PATTERNS)}
    if listed:
        asked |= {"$size": st.integers(-1, 3), "$all": st.lists(values.filter(_plain), max_size=3)}
    one = st.fixed_dictionaries({}, optional=asked)
    return values | one.filter(bool) | one.filter(bool).map(lambda inner: {"$not": inner})


def _plain(value: object) -> bool:
    return value is not None and not isinstance(value, list | dict)


words = operators(texts, found=True, listed=True)
asked_of_json = operators(scalars | st.lists(scalars, max_size=2), listed=True, found=True)
ordered_json = st.fixed_dictionaries({}, optional=dict.fromkeys(("$lt", "$lte", "$gt", "$gte"), scalars.filter(_plain)))
conditions = st.one_of(
    operators(texts, ordered=True, found=True).map(lambda asked: {"name": asked}),
    operators(numbers, ordered=True).map(lambda asked: {"number": asked}),
    st.fixed_dictionaries({"$regex": st.sampled_from(PATTERNS)}).map(lambda asked: {"number": asked}),
    operators(st.sampled_from(TIMES).map(datetime.isoformat), ordered=True).map(lambda asked: {"at": asked}),
    st.tuples(st.sampled_from(("tag", "alias")), words).map(lambda pair: {pair[0]: pair[1]}),
    st.tuples(
        st.lists(keys, max_size=2).map(lambda path: ".".join(("facts", *path)))
        | st.sampled_from(("facts.x", "facts.y")),
        asked_of_json | ordered_json.filter(bool),
    ).map(lambda pair: {pair[0]: pair[1]}),
)
filters = st.recursive(
    conditions | st.just(dict[str, object]()),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(("$and", "$or", "$nor")), st.lists(inner, max_size=3)).map(lambda p: {p[0]: p[1]}),
        inner.map(lambda document: {"$not": document}),
        st.tuples(inner, inner).map(lambda pair: {**pair[0], **pair[1]}),
    ),
    max_leaves=5,
)


# ---------------------------------------------------------------------------------------------------------------------
# The same, evaluated in Python
# ---------------------------------------------------------------------------------------------------------------------


def fits(document: Mapping[str, Any], row: Row) -> bool:
    return all(_fits(key, value, row) for key, value in document.items())


def _fits(key: str, value: Facts, row: Row) -> bool:
    match key:
        case "$and":
            return all(fits(part, row) for part in value)
        case "$or":
            return any(fits(part, row) for part in value)
        case "$nor":
            return not any(fits(part, row) for part in value)
        case "$not":
            return not fits(value, row)
        case _:
            return asked(key, value, row)


def asked(key: str, value: Facts, row: Row) -> bool:
    if not (isinstance(value, dict) and any(operator.startswith("$") for operator in cast("Row", value))):
        value = {"$eq": value}
    return all(one(key, operator, operand, row) for operator, operand in cast("Row", value).items())


def one(key: str, operator: str, operand: Facts, row: Row) -> bool:
    if operator == "$not":
        return not asked(key, operand, row)
    if operator in ("$ne", "$nin"):
        return not one(key, {"$ne": "$eq", "$nin": "$in"}[operator], operand, row)
    root, *path = key.split(".")
    if root == "facts":
        return of_json(inside(row["facts"], path), operator, operand)
    if root in ("tag", "alias"):
        return of_words(row[root], operator, operand)
    if root == "at":
        operand = times(operand)
    return of_one(row[root], operator, operand, text=f"v{row[root]}" if root == "number" else None)


def times(operand: Facts) -> Facts:
    if isinstance(operand, list):
        return [times(value) for value in cast("list[Any]", operand)]
    return datetime.fromisoformat(operand) if isinstance(operand, str) else operand


COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
}


def of_one(value: Facts, operator: str, operand: Facts, text: str | None = None) -> bool:
    if operator == "$exists":
        return (value is not None) == operand
    if operator in ("$eq", "$in"):
        return value in (operand if operator == "$in" else [operand])
    if value is None:
        return False
    if operator in COMPARED:
        return COMPARED[operator](value, operand)
    return searched(text or value, operator, operand)


def searched(text: str, operator: str, operand: str) -> bool:
    return operand in text if operator == "$contains" else re.search(operand, text) is not None


def of_words(found: list[str], operator: str, operand: Facts) -> bool:
    match operator:
        case "$exists":
            return bool(found) == operand
        case "$eq":
            return operand in found
        case "$in":
            return any(word in found for word in operand)
        case "$all":
            return bool(operand) and all(word in found for word in operand)
        case "$size":
            return len(found) == operand
        case _:
            return any(searched(word, operator, operand) for word in found)


def inside(value: Facts, path: list[str]) -> Facts:
    for step in path:
        if isinstance(value, dict) and step in value:
            value = cast("Row", value)[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[int(step)]
        else:
            return MISSING
    return value


def same(a: Facts, b: Facts) -> bool:
    """JSON tells true from 1, but not 1 from 1.0."""
    if isinstance(a, list) and isinstance(b, list):
        left, right = cast("list[Any]", a), cast("list[Any]", b)
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(a, dict) and isinstance(b, dict):
        left, right = cast("Row", a), cast("Row", b)
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def of_json(value: Facts, operator: str, operand: Facts) -> bool:
    if operator == "$exists":
        return (value is not MISSING) == operand
    value = None if value is MISSING else value
    elements: list[Any] = value if isinstance(value, list) else [value]
    match operator:
        case "$size":
            return isinstance(value, list) and len(elements) == operand
        case "$eq":
            return same(value, operand) or any(same(element, operand) for element in elements)
        case "$in":
            return any(of_json(value, "$eq", wanted) for wanted in operand)
        case "$all":
            return bool(operand) and all(of_json(elements, "$eq", wanted) for wanted in operand)
        case _:
            return any(of_element(element, operator, operand) for element in elements)


def of_element(element: Facts, operator: str, operand: Facts) -> bool:
    if operator in COMPARED:
        return comparable(element, operand) and COMPARED[operator](element, operand)
    return isinstance(element, str) and searched(element, operator, operand)


def comparable(a: Facts, b: Facts) -> bool:
    kinds = [bool if isinstance(one, bool) else str if isinstance(one, str) else float for one in (a, b)]
    return a is not None and not isinstance(a, list | dict) and kinds[0] is kinds[1]


# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def connection(dsn: str) -> Generator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "create temp table filter_rows (id int, name text, number int, at timestamptz, tags text[], facts jsonb)"
        )
        connection.execute("create temp table filter_aliases (id int, alias text)")
        yield connection


def keep(connection: psycopg.Connection[Any], made: list[Row]) -> None:
    connection.execute("truncate filter_rows, filter_aliases")
    for at, row in enumerate(made):
        connection.execute(
            "insert into filter_rows values (%s, %s, %s, %s, %s::text[], %s::jsonb)",
            (at, row["name"], row["number"], row["at"], row["tag"], json.dumps(row["facts"])),
        )
        for alias in row["alias"]:
            connection.execute("insert into filter_aliases values (%s, %s)", (at, alias))


def found(connection: psycopg.Connection[Any], document: object) -> list[int]:
    part = condition(mongo.parse(document, plain(FIELDS)), FIELDS)
    cursor = connection.execute(f"select t.id from filter_rows as t where {part.sql} order by t.id", part.params)
    return [row[0] for row in cursor]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(rows, min_size=1, max_size=5), documents=st.lists(filters, min_size=1, max_size=6))
def test_the_database_finds_what_python_finds(
    connection: psycopg.Connection[Any], made: list[Row], documents: list[dict[str, object]]
):
    keep(connection, made)
    for document in documents:
        wanted = [at for at, row in enumerate(made) if fits(document, row)]
        assert found(connection, document) == wanted, document


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ({"facts.n": 1}, [0, 1, 4]),
        ({"facts.n": True}, [2]),
        ({"facts.n": "1"}, [3]),
        ({"facts.n": None}, [5, 6]),
        ({"facts.n": {"$exists": False}}, [6]),
        ({"facts.n": {"$ne": 1}}, [2, 3, 5, 6]),
        ({"facts.n": {"$gt": 0}}, [0, 1, 4]),
        ({"facts.n": {"$gte": "1"}}, [3]),
        ({"facts.n": [1, 2]}, [4]),
        ({"facts.n": {"$in": [True, "1", None]}}, [2, 3, 5, 6]),
        ({"facts.n.0": 1}, [4]),
        ({"facts.n": {"$size": 2}}, [4]),
        ({"facts.n": {"$all": [2, 1]}}, [4]),
    ],
)
def test_json_tells_numbers_texts_truth_and_nothing_apart(
    connection: psycopg.Connection[Any], document: dict[str, object], wanted: list[int]
):
    values = ({"n": 1}, {"n": 1.0}, {"n": True}, {"n": "1"}, {"n": [1, 2]}, {"n": None}, dict[str, Any]())
    empty = {"name": None, "number": None, "at": None, "tag": list[str](), "alias": list[str]()}
    keep(connection, [{**empty, "facts": value} for value in values])
    assert found(connection, document) == wanted


def test_a_list_is_equal_to_its_words_in_any_order(connection: psycopg.Connection[Any]):
    empty = {"name": None, "number": None, "at": None, "facts": dict[str, Any]()}
    keep(connection, [{**empty, "tag": tags, "alias": tags} for tags in (["a", "b"], ["a"], [])])
    for field in ("tag", "alias"):
        assert found(connection, {field: ["b", "a"]}) == [0]
        assert found(connection, {field: []}) == found(connection, {field: None}) == [2]
        assert found(connection, {field: {"$in": ["b", None]}}) == [0, 2]


def test_a_language_s_prefix_is_part_of_the_text(connection: psycopg.Connection[Any]):
    """W: registries are called `wandb-registry-…` there, in values, in parts of them and in patterns."""
    words = {"title": Word("name", prefix="wandb-registry-")}
    empty = {"number": None, "at": None, "tag": list[str](), "alias": list[str](), "facts": dict[str, Any]()}
    keep(connection, [{**empty, "name": name} for name in ("Models", "models", "My models", None)])

    def titled(asked: object) -> list[int]:
        part = condition(mongo.parse({"title": asked}, words), FIELDS)
        cursor = connection.execute(f"select t.id from filter_rows as t where {part.sql} order by t.id", part.params)
        return [row[0] for row in cursor]

    assert titled("wandb-registry-Models") == [0]
    assert titled("Models") == []
    assert titled({"$in": ["wandb-registry-models", "wandb-registry-My models"]}) == [1, 2]
    assert titled({"$contains": "wandb-registry-M"}) == [0, 2]
    assert titled({"$contains": "models"}) == [1, 2]
    assert titled({"$regex": "^wandb-registry-[Mm]odels$"}) == [0, 1]
    assert titled({"$ne": "wandb-registry-Models"}) == [1, 2, 3]
    assert titled({"$gt": "wandb-registry-Z"}) == [1]


SIGNS = st.sampled_from(
    [
        *"ab1 _-.^$*+?()[]{}|\\",
        *(r"\d", r"\W", r"\s", r"\b", r"\.", r"\x41", "[a-c]", "[^ab]", "(?:", "(?P<n>", "{2}", "{1,3}", "{,2}", "*?"),
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern=st.lists(SIGNS, max_size=8).map("".join), text=st.text("ab1 _-.A\\(", max_size=10))
def test_postgresql_takes_every_pattern_and_finds_what_python_finds(
    connection: psycopg.Connection[Any], pattern: str, text: str
):
    try:
        translated = patterns.translated(pattern)
    except patterns.PatternError:
        return
    row = connection.execute("select %s::text ~ %s::text", (text, translated)).fetchone()
    assert row is not None
    try:
        expected = re.compile(pattern, re.ASCII)
    except (re.error, FutureWarning):  # `{,2}` and a few others are read here as re2 reads them
        return
    if "{,2}" not in pattern:
        assert row[0] == (expected.search(text) is not None), translated
