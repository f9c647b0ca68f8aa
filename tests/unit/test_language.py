"""The query language: what it reads, what it refuses and how, and that it writes what it reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from pinakes.server.collections import ordering
from pinakes.server.collections.live import placed
from pinakes.server.errors import Invalid
from pinakes.server.search import language, orders
from pinakes.server.search.fields import Key
from pinakes.server.search.filters import DEPTH, EVERYTHING, ORDERING, And, Compare, Expression, Not, Op, Or, condition
from pinakes.server.search.item_fields import ITEM_FIELDS, media_fields
from pinakes.server.search.language import FIELDS, compare, parse, spell
from pinakes.server.search.moments import moments

NOW = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)


def refusal(text: str) -> Invalid:
    with pytest.raises(Invalid) as error:
        parse(text)
    assert error.value.field == "query"
    return error.value


class TestReading:
    @pytest.mark.parametrize("nothing", [None, "", "  \n "])
    def test_nothing_is_everything(self, nothing: str | None):
        assert parse(nothing) == EVERYTHING
        assert spell(EVERYTHING) == ""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("kind:image", compare("kind", Op.EQUALS, "image")),
            ("KIND:Image", compare("kind", Op.EQUALS, "image")),
            ('kind:"point cloud"', compare("kind", Op.EQUALS, "point_cloud")),
            ("kind:image,video", compare("kind", Op.IN, ["image", "video"])),
            ('dataset:"train/night"', compare("dataset", Op.EQUALS, "train/night")),
            ("name:cam", compare("name", Op.CONTAINS, "cam")),
            ("name=cam_1.png", compare("name", Op.EQUALS, "cam_1.png")),
            ('name:~"cam_.*"', compare("name", Op.MATCHES, "cam_.*")),
            ("name~cam_[0-9]+", compare("name", Op.MATCHES, "cam_[0-9]+")),
            ('name:~"a\\d\\\\b\\""', compare("name", Op.MATCHES, 'a\\d\\b"')),
            ("tag:weather", compare("tag", Op.EXISTS, value=True, path=("weather",))),
            ("tag:weather=rain", compare("tag", Op.EQUALS, "rain", ("weather",))),
            ("tag:weather=rain,snow", compare("tag", Op.IN, ["rain", "snow"], ("weather",))),
            ('tag:"a b">"c d"', compare("tag", Op.MORE, "c d", ("a b",))),
            ("class:car", compare("class", Op.EXISTS, value=True, path=("car",))),
            ("class:car>=2", compare("class", Op.AT_LEAST, 2, ("car",))),
            ("labeler:anna", compare("labeler", Op.EQUALS, "anna")),
            ("size>1mb", compare("size", Op.MORE, 1_000_000)),
            ("size:>1.5GiB", compare("size", Op.MORE, 1_610_612_736)),
            ("size<=500", compare("size", Op.AT_MOST, 500)),
            ("width>=640", compare("width", Op.AT_LEAST, 640)),
            ("labels=0", compare("labels", Op.EQUALS, 0)),
            ("created>2026-01-01", compare("created", Op.MORE, "2026-01-01")),
            ("updated<7d", compare("updated", Op.LESS, "7d")),
            ("updated:Today", compare("updated", Op.EQUALS, "today")),
            ("score>-0.5", compare("score", Op.MORE, -0.5)),
            ("in:anna/night-0123456789abcdef01234567", compare("in", Op.EQUALS, "anna/night-0123456789abcdef01234567")),
            ("queue:12", compare("queue", Op.EXISTS, value=True, path=("12",))),
            ("queue:12=accepted", compare("queue", Op.EQUALS, "accepted", ("12",))),
            ("rain", compare("text", Op.CONTAINS, "rain")),
            ('"kind:image"', compare("text", Op.CONTAINS, "kind:image")),
            ("https://x.y/z", None),
        ],
        ids=str,
    )
    def test_conditions(self, text: str, expected: Expression | None):
        if expected is None:
            assert "quote it" in refusal(text).message
        else:
            assert parse(text) == expected

    def test_conditions_are_joined(self):
        a, b, c, d = (compare("text", Op.CONTAINS, letter) for letter in "abcd")
        assert parse("a b") == parse("a and b") == parse("a AND b") == And((a, b))
        assert parse("a b or c d") == Or((And((a, b)), And((c, d))))
        assert parse("a (b or c) d") == And((a, Or((b, c)), d))
        assert parse("-a") == parse("not a") == parse("NOT(a)") == Not(a)
        assert parse("not (a or b) -c") == And((Not(Or((a, b))), Not(c)))
        assert parse("a and not b") == And((a, Not(b)))
        assert parse("((a))") == a
        assert parse("width!=3") == Not(compare("width", Op.EQUALS, 3))
        assert parse("nothing order android") == And(
            tuple(compare("text", Op.CONTAINS, word) for word in ("nothing", "order", "android"))
        )

    @pytest.mark.parametrize(
        ("text", "position", "hint"),
        [
            ("foo:bar", 1, "there is no field 'foo'; there are kind, owner"),
            ("a foo=1", 3, "there is no field 'foo'"),
            ("(a or b", 1, "')' is missing"),
            ("a) b", 2, "closes nothing"),
            ("a or", 5, "a condition is missing"),
            ("or a", 1, "a condition is missing"),
            ("a and", 6, "a condition is missing"),
            ("-", 2, "a condition is missing"),
            ("()", 2, "a condition is missing"),
            ('a "b', 3, "never closed"),
            ('""', 1, "nothing between the quotes"),
            ("kind:", 6, "a value: kind:image"),
            ("kind:car", 6, "'car' is none of: model"),
            ("width:wide", 7, "'wide' is no whole number"),
            ("width>1.5", 7, "no whole number"),
            ("size>big", 6, "no size such as 500kb"),
            ("score>1e999", 7, "no number such as 0.5"),
            ("created>2026-13-01", 9, "no time such as"),
            ("created<999999y", 9, "no time such as"),
            ("name>a", 1, "name takes :, =, ~, not >"),
            ("kind~a", 1, "kind takes :, =, not ~"),
            ("tag:", 5, "tag:weather=rain"),
            ("tag>3", 1, "behind tag comes a colon"),
            ('tag:""', 5, "a name is missing"),
            ("queue:12=happy", 10, "'happy' is none of: pending"),
            ('name:~"(a"', 7, "name: "),
            ("width>=1,2", 9, "'or' between conditions"),
        ],
        ids=str,
    )
    def test_an_error_names_the_place_and_what_would_be_right(self, text: str, position: int, hint: str):
        error = refusal(text)
        assert error.message.startswith(f"Position {position}: ")
        assert hint in error.message
        assert error.details == {"position": position}

    def test_there_are_limits(self):
        assert "at most 20000 characters" in refusal("a" * 20_001).message
        assert "levels deep" in refusal("(" * (DEPTH + 1) + "a" + ")" * (DEPTH + 1)).message
        assert "levels deep" in refusal("-" * (DEPTH + 1) + "a").message
        assert "conditions" in refusal("a " * 501).message
        assert "patterns" in refusal("name:~a " * 21).message
        assert "NUL" in refusal("a\0b").message
        assert "surrogate" in refusal("a\ud800").message
        assert parse("(" * (DEPTH - 1) + "a" + ")" * (DEPTH - 1)) == parse("a")

    def test_every_field_has_an_example_that_reads_and_compiles(self):
        for name, term in FIELDS.items():
            found = parse(term.example)
            part = found if isinstance(found, Compare) else found.parts[-1]  # type: ignore[union-attr]
            assert isinstance(part, Compare)
            assert part.field == name
            assert name in media_fields()
            assert name in ITEM_FIELDS


# -- every query that can be written is read as what was meant, and no text leads to another error than Invalid --

texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
) | st.sampled_from(["or", "not", "a b", '"', "\\", '\\"', "-x", "a,b", "(", "x:y", "7d"])
times = st.sampled_from(["2026-01-01", "2026-02", "2026", "7d", "2w", "today", "2026-03-14t12:00:00z"])
values = {
    "kind": st.sampled_from(language.ITEM_KINDS),
    "visibility": st.sampled_from(["public", "private"]),
    "queue": st.sampled_from(language.STATUSES),
    "created": times,
    "updated": times,
    "size": st.integers(0, 10**18),
    "score": st.floats(-1e9, 1e9, allow_nan=False),
}


def operand(name: str) -> st.SearchStrategy[object]:
    term = FIELDS[name]
    if name in values:
        return values[name]
    return texts if term.reads("5") == "5" else st.integers(-(10**9), 10**9)


@st.composite
def comparisons(draw: st.DrawFn) -> Expression:
    name = draw(st.sampled_from([*FIELDS, language.WORDS]))
    if name == language.WORDS:
        return compare(name, Op.CONTAINS, draw(texts))
    term = FIELDS[name]
    path = (draw(texts),) if term.named else ()
    ops: list[Op] = [*term.ops, *([Op.EXISTS] if term.named else [])]
    op = draw(st.sampled_from(ops))
    if op is Op.EXISTS:
        return compare(name, op, value=True, path=path)
    if op is Op.IN:
        return compare(name, op, draw(st.lists(operand(name), min_size=2, max_size=3)), path)
    if op is Op.MATCHES:
        return compare(name, op, draw(st.sampled_from(["a", "^a.*b$", "[0-9]+", 'x"y', "\\d"])), path)
    return compare(name, op, draw(operand(name)), path)


expressions = st.recursive(
    comparisons(),
    lambda inner: (
        inner.map(Not)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts)))
    ),
    max_leaves=6,
)
PIECES = (
    *FIELDS,
    ":",
    "=",
    ">=",
    "~",
    "(",
    ")",
    "-",
    '"',
    "\\",
    " ",
    ",",
    "or",
    "and",
    "not",
    "7d",
    "1mb",
    "a",
    "é",
    "\0",
    "\n",
)


@given(expressions)
def test_what_is_spelled_reads_the_same(expression: Expression):
    assert parse(spell(expression)) == expression


@given(st.text(max_size=30) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_text_is_read_or_refused(text: str):
    try:
        found = parse(text)
    except Invalid:
        return
    assert parse(spell(found)) == found
    assert condition(_looked_up(found), ITEM_FIELDS).sql


def _looked_up(expression: Expression) -> Expression:
    """Put numbers in the places of names, as they are when a query is compiled."""
    match expression:
        case And(parts):
            return And(tuple(map(_looked_up, parts)))
        case Or(parts):
            return Or(tuple(map(_looked_up, parts)))
        case Not(part):
            return Not(_looked_up(part))
        case Compare(field=name) if name in ("owner", "project", "dataset", "labeler", "in"):
            return compare(name, Op.EQUALS, 1)
        case Compare(field=name) if name in ("queue", "score"):
            return compare(name, expression.op, expression.value, ("1",))
        case Compare():
            return expression


class TestMoments:
    @pytest.mark.parametrize(
        ("text", "begin", "length"),
        [
            ("2026", datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=365)),
            ("2026-02", datetime(2026, 2, 1, tzinfo=UTC), timedelta(days=28)),
            ("2026-12", datetime(2026, 12, 1, tzinfo=UTC), timedelta(days=31)),
            ("2026-03-14", datetime(2026, 3, 14, tzinfo=UTC), timedelta(days=1)),
            ("2026-03-14T12", datetime(2026, 3, 14, 12, tzinfo=UTC), timedelta(hours=1)),
            ("2026-03-14T12:30", NOW, timedelta(minutes=1)),
            ("2026-03-14T14:30:00+02:00", NOW, timedelta(seconds=1)),
            ("2026-03-14T12:30:00.000Z", NOW, timedelta(milliseconds=1)),
            ("today", datetime(2026, 3, 14, tzinfo=UTC), timedelta(days=1)),
            ("yesterday", datetime(2026, 3, 13, tzinfo=UTC), timedelta(days=1)),
            ("2h", NOW - timedelta(hours=2), timedelta(hours=2)),
        ],
        ids=str,
    )
    def test_a_time_means_what_is_written(self, text: str, begin: datetime, length: timedelta):
        found = moments(text, NOW)
        assert found.begin == begin
        assert found.end - found.begin == length

    @pytest.mark.parametrize("text", ["", "x", "2026-02-30", "0000", "9999", "7", "d", "-1d", "2026-3-1", "12:00"])
    def test_what_is_no_time_is_refused(self, text: str):
        with pytest.raises(ValueError, match="is no time such as"):
            moments(text, NOW)

    @pytest.mark.parametrize(
        ("op", "value", "sql"),
        [
            (Op.LESS, "7d", "i.created_at > "),
            (Op.MORE, "7d", "i.created_at < "),
            (Op.LESS, "2026", "i.created_at < "),
            (Op.AT_MOST, "2026", "i.created_at < "),
            (Op.MORE, "2026", "i.created_at >= "),
            (Op.AT_LEAST, "2026", "i.created_at >= "),
        ],
        ids=str,
    )
    def test_younger_is_later(self, op: Op, value: str, sql: str):
        assert condition(compare("created", op, value), media_fields()).sql.startswith(f"({sql}")


class TestOrders:
    def test_the_parts_of_a_query(self):
        key = Key("i.name", "text", "i.name")
        assert orders.ordered(key, "i.id", {}, descending=True)["order"].sql == "i.name desc, i.id desc"
        assert orders.ordered(None, "i.id", {}, descending=False)["order"].sql == "i.id"
        behind = orders.behind(key, "i.id", ["x", 5], descending=False)
        assert behind.sql == "(i.name, i.id) > (%(b0)s::text, %(b1)s::bigint)"
        assert behind.params == {"b0": "x", "b1": 5}


# -- where the entries of a live collection stand --


@given(st.lists(st.integers(1, 30), unique=True, max_size=15), st.lists(st.integers(1, 30), unique=True, max_size=15))
def test_items_are_put_in_the_order_wanted_by_the_fewest_moves(present: list[int], wanted: list[int]):
    keys = dict(zip(present, ordering.after(None, len(present)), strict=True))
    fresh = placed(keys, wanted)
    then = {**{item: key for item, key in keys.items() if item in wanted}, **fresh}
    assert sorted(wanted, key=lambda item: then[item]) == wanted
    assert len(set(then.values())) == len(wanted)
    moved = [item for item in fresh if item in keys]
    staying = [item for item in wanted if item in keys]
    assert len(moved) == len(staying) - _longest_rise([keys[item] for item in staying])


def _longest_rise(keys: list[bytes]) -> int:
    best = [1] * len(keys)
    for at, key in enumerate(keys):
        best[at] = 1 + max((best[before] for before in range(at) if keys[before] < key), default=0)
    return max(best, default=0)


def test_keys_that_grow_too_long_are_made_fresh():
    low, high = ordering.after(None, 2)
    for _ in range(3000):
        (high,) = ordering.between(low, high)
    keys = {1: low, 2: high}
    fresh = placed(keys, [1, 3, 2])
    assert max(map(len, fresh.values())) <= ordering.WHOLE
    assert [item for item, _ in sorted({**keys, **fresh}.items(), key=lambda pair: pair[1])] == [1, 3, 2]


def test_ordering_operators_are_all_signs():
    assert set(ORDERING) < {op for term in FIELDS.values() for op in term.ops}
