"""Filters: what is read from JSON, what is refused, and what SQL becomes of it, without a database."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from pinakes.server.db import Part, Query, parse
from pinakes.server.errors import Invalid
from pinakes.server.search import mongo, orders, patterns
from pinakes.server.search.fields import Json, Number, Text, Time, Words
from pinakes.server.search.filters import EVERYTHING, And, Fields, Not, Or, Vocabulary, Word, condition, plain, required

FIELDS: Fields = {
    "name": Text("t.name"),
    "version": Number("t.version", letter="v"),
    "size": Number("t.size"),
    "at": Time("t.at"),
    "tag": Words("t.tags"),
    "alias": Words("y.alias", "aliases as y where y.id = t.id"),
    "facts": Json("t.facts"),
}
WORDS = plain(FIELDS)


def compiled(document: object, words: Vocabulary = WORDS) -> Part:
    return condition(mongo.parse(document, words), FIELDS)


def refusal(document: object, words: Vocabulary = WORDS) -> str:
    with pytest.raises(Invalid) as error:
        compiled(document, words)
    assert error.value.field == "filters"
    return error.value.message


class TestReading:
    @pytest.mark.parametrize("nothing", [None, "", " ", "{}", "null"])
    def test_nothing_is_everything(self, nothing: str | None):
        assert mongo.parse_text(nothing, WORDS) == EVERYTHING
        assert condition(EVERYTHING, FIELDS) == Part("true")

    def test_a_value_is_equality_and_several_keys_are_all_meant(self):
        """W: `{name: "x", tag: "y"}`, as the client sends it."""
        assert compiled({"name": "x", "tag": "y"}) == Part(
            "((t.name = %(f0)s::text) and (t.tags && %(f1)s::text []))", {"f0": "x", "f1": ["y"]}
        )
        assert compiled({"name": "x"}) == compiled({"name": {"$eq": "x"}}) == compiled({"$and": [{"name": "x"}]})
        between = {"size": {"$gt": 1, "$lte": 5}}
        assert compiled(between).sql == "((t.size > %(f0)s::bigint) and (t.size <= %(f1)s::bigint))"

    def test_the_operators_that_join(self):
        one, two = {"name": "x"}, {"size": 1}
        parts = tuple(mongo.parse(part, WORDS) for part in (one, two))
        assert mongo.parse({"$and": [one, two]}, WORDS) == And(parts)
        assert mongo.parse({"$or": [one, two]}, WORDS) == Or(parts)
        assert mongo.parse({"$nor": [one, two]}, WORDS) == Not(Or(parts))
        assert mongo.parse({"$not": one}, WORDS) == Not(parts[0])
        assert compiled({"$or": []}).sql == "false"
        assert compiled({"$and": []}).sql == "true"

    def test_negations(self):
        for document in (
            {"name": {"$ne": "x"}},
            {"name": {"$not": {"$eq": "x"}}},
            {"$not": {"name": "x"}},
            {"$nor": [{"name": "x"}]},
        ):
            assert "is not true" in compiled(document).sql
        assert compiled({"name": {"$nin": ["x"]}}) == Part(
            "((t.name = any(%(f0)s::text []))) is not true", {"f0": ["x"]}
        )

    def test_words_of_a_language_stand_for_declared_fields(self):
        """W: the client puts a prefix in front of registry names, and sends states in capitals and ids in base64."""
        words = {
            "title": Word("name", prefix="wandb-registry-"),
            "state": Word("name", reads=lambda value: str(value).lower()),
            "config": Word("facts", steps=lambda path: (*path[:1], "value", *path[1:])),
        }
        found = compiled({"title": {"$contains": "wandb-registry-mod"}}, words)
        assert found.sql == "(strpos((%(f0)s::text || t.name), %(f1)s::text) > 0)"
        assert found.params == {"f0": "wandb-registry-", "f1": "wandb-registry-mod"}
        assert compiled({"state": "COMMITTED"}, words).params == {"f0": "committed"}
        assert compiled({"state": {"$in": ["A", None]}}, words).params == {"f0": ["a"]}
        assert compiled({"state": {"$regex": "AB"}}, words).params == {"f0": "AB"}
        assert compiled({"config.rate": 1}, words).params == {"f0": ["rate", "value"], "f1": "1"}
        assert "title, state, config" in refusal({"name": "x"}, words)

    def test_values_are_read_by_what_the_field_is(self):
        assert compiled({"version": "v3"}).params == compiled({"version": 3}).params == {"f0": 3}
        assert compiled({"size": 3.0}).params == compiled({"size": "3"}).params == {"f0": 3}
        assert compiled({"size": 10**30}).params == {"f0": 2**63 - 1}
        assert compiled({"size": -(10**30)}).params == {"f0": -(2**63)}
        noon = datetime(2026, 3, 14, 12, tzinfo=UTC)
        for text in ("2026-03-14T12:00:00Z", "2026-03-14T12:00:00", "2026-03-14 13:00:00+01:00"):
            assert compiled({"at": text}).params == {"f0": noon}
        assert compiled({"at": {"$gt": "2026-03-14"}}).params == {"f0": datetime(2026, 3, 14, tzinfo=UTC)}
        assert compiled({"facts.a.b": 0.5}).params == {"f0": ["a", "b"], "f1": "0.5"}

    def test_what_a_filter_needs_can_be_asked(self):
        def needs(document: object) -> list[str] | None:
            return required(mongo.parse(document, WORDS), "tag")

        assert needs({"name": "x", "tag": "a"}) == ["a"]
        assert needs({"$and": [{"name": "x"}, {"$and": [{"tag": {"$in": ["a", "b"]}}]}]}) == ["a", "b"]
        assert needs({"tag": {"$all": ["a", "b"]}}) == ["a", "b"]
        assert needs({"tag": ["a"]}) is None
        for document in (
            {"name": "a"},
            {"$or": [{"tag": "a"}, {"name": "b"}]},
            {"tag": {"$ne": "a"}},
            {"tag": {"$in": ["a", None]}},
            {"tag": {"$in": []}},
            {"tag": {"$exists": True}},
            {"tag": None},
        ):
            assert needs(document) is None, document


class TestRefusals:
    @pytest.mark.parametrize(
        ("document", "said"),
        [
            (
                {"nome": "x"},
                "no field 'nome' to ask for; there are: name, version, size, at, tag, alias, facts.",
            ),
            (
                {"name": {"$like": "x"}},
                "There is no operator '$like'; there are: $and, $or, $nor, $not, $ne",
            ),
            ({"$where": "1"}, "There is no operator '$where'"),
            ({"$eq": "x"}, "$eq belongs behind a field"),
            ([{"name": "x"}], "A filter is a JSON object"),
            ("x", "A filter is a JSON object"),
            ({"$and": {"name": "x"}}, "$and takes a list of filters"),
            ({"$or": ["x"]}, "A filter is a JSON object"),
            ({"name": {"$not": "x"}}, "$not takes an operator and its value"),
            ({"name": {"$eq": 5}}, "name $eq: it takes a text."),
            ({"name": ["x"]}, "name $eq: it takes a text."),
            ({"name": {"x": 1}}, "name $eq: it takes a text."),
            ({"name": {"$in": "x"}}, "name $in: it takes a list."),
            ({"name": {"$exists": 1}}, "name $exists: it takes true or false."),
            (
                {"name": {"$all": ["x"]}},
                "$all: this field takes only: =, <, <=, >, >=, in, exists, contains, matches.",
            ),
            ({"name": {"$gt": None}}, "name $gt: it takes a text."),
            ({"name.x": "x"}, "name.x $eq: this field has nothing inside it that 'x' could mean."),
            ({"version": "three"}, "version $eq: it takes whole numbers, also as v3."),
            ({"size": "v3"}, "size $eq: it takes whole numbers."),
            ({"size": 1.5}, "size $eq: it takes whole numbers."),
            ({"size": True}, "size $eq: it takes whole numbers."),
            ({"size": {"$regex": "1"}}, "size $regex: this field takes only: =, <, <=, >, >=, in, exists."),
            ({"at": "yesterday"}, "at $eq: it takes a time such as 2026-03-14T12:00:00Z."),
            ({"at": 20260314}, "at $eq: it takes a time"),
            ({"tag": {"$gt": "x"}}, "tag $gt: this field takes only: =, in, all of, size, exists, contains, matches."),
            ({"tag": {"$size": "2"}}, "tag $size: it takes a whole number."),
            ({"tag": {"$in": [1]}}, "tag $in: it takes a text."),
            ({"facts.a": {"$gt": None}}, "facts.a $gt: it takes a number, a text or a truth value."),
            ({"facts.a": {"$gt": [1]}}, "facts.a $gt: it takes a number"),
            ({"facts.a": {"$all": [{"x": 1}]}}, "facts.a $all: the list may hold texts"),
            ({"facts.a": 10**30}, "facts.a $eq: this is no value of JSON"),
            ({"facts": {"accuracy": {"$gt": 0.9}}}, "'$gt' can't stand inside a value"),
            ({"facts.": 1}, "'facts.' is no path"),
            ({"facts..a": 1}, "'facts..a' is no path"),
            ({"facts." + ".".join("a" * 21): 1}, "is no path"),
            ({"facts.a": float("nan")}, "nan is no value"),
            ({"facts.a": float("inf")}, "inf is no value"),
            ({"facts.a": {"b": object()}}, "is no value"),
        ],
    )
    def test_what_is_wrong_is_named(self, document: object, said: str):
        assert said in refusal(document)

    @pytest.mark.parametrize("bad", ["\0", "a\0b", "\ud800", "x\udfffy"])
    def test_characters_that_no_text_has(self, bad: str):
        for document in (
            {"name": bad},
            {"name": {"$in": ["x", bad]}},
            {"tag": {"$regex": bad}},
            {f"facts.{bad}": 1},
            {"facts.a": {bad: 1}},
            {"facts.a": [[bad]]},
            {bad: 1},
        ):
            assert "no text has" in refusal(document)
        assert "There is no operator" in refusal({f"${bad}": 1})

    def test_limits(self):
        deep: dict[str, object] = {"name": "x"}
        for _ in range(20):
            deep = {"$and": [deep]}
        assert "levels deep" in refusal(deep)
        value: object = "x"
        for _ in range(25):
            value = [value]
        assert "levels deep" in refusal({"facts.a": value})
        nots: dict[str, object] = {"$eq": "x"}
        for _ in range(25):
            nots = {"$not": nots}
        assert "levels deep" in refusal({"name": nots})
        assert "at most 500 conditions" in refusal({"$or": [{"name": "x"}] * 300})
        assert compiled({"$or": [{"size": {"$gt": n, "$lt": n}} for n in range(100)]}).params
        assert "at most 10000 values" in refusal({"name": {"$in": ["x"] * 10_000}})
        assert compiled({"name": {"$in": ["x"] * 9_999}}).params
        assert "at most 20 patterns" in refusal({"$or": [{"name": {"$regex": "x"}}] * 21})
        assert "at most 500 characters" in refusal({"name": {"$regex": "x" * 501}})
        assert "at most 10000 characters" in refusal({"name": "x" * 10_001})

    @pytest.mark.parametrize("text", ["{", "[", "{'name': 'x'}", '{"facts.a": NaN}', "\ud800", "[" * 2000, '"\\ud800"'])
    def test_what_is_no_json(self, text: str):
        with pytest.raises(Invalid, match="projectFilters is no JSON") as error:
            mongo.parse_text(text, WORDS, field="projectFilters")
        assert error.value.field == "projectFilters"


SPELLINGS = [*mongo.OPERATORS, *FIELDS, "facts.a", "facts.a.0", "x", "$x", "", "."]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(SPELLINGS), inner, max_size=3),
    max_leaves=12,
)
PLACES = re.compile(r"%\(f\d+\)s")


@given(document=st.dictionaries(st.sampled_from(SPELLINGS), ANYTHING, max_size=4))
def test_any_document_is_a_filter_or_refused(document: dict[str, object]):
    with contextlib.suppress(Invalid):
        found = compiled(document)
        places = PLACES.findall(found.sql)
        assert {place[2:-2] for place in places} == found.params.keys()
        assert "%" not in PLACES.sub("", found.sql)


@given(text=st.text(min_size=1).filter(lambda text: not text.isalnum()), path=st.text(min_size=1))
def test_nothing_that_a_caller_sent_is_in_the_sql(text: str, path: str):
    """The SQL depends on which fields are asked what, never on the values or on paths."""

    def shape(value: str, inner: str) -> dict[str, object]:
        return {"name": value, "tag": {"$in": [value]}, f"facts.{inner}": {"$contains": value}, "alias": value}

    path = path.replace(".", "_")
    try:
        found = compiled(shape(text, path))
    except Invalid:
        return
    assert found.sql == compiled(shape("x", "y")).sql


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "translated"),
        [
            ("", ""),
            ("^mod.l$", "^mod[^\n]l$"),
            (r"\Av\d+\z", r"\Av[0-9]+\Z"),
            (r"(?i)release-(?:a|b)", r"(?i)release-(?:a|b)"),
            (r"(?P<x>a)(b)", "(?:a)(?:b)"),
            (r"a{2}b{1,}c{0,3}?d*?", "a{2}b{1,}c{0,3}d*"),
            (r"a{b}{", r"a\{b\}\{"),
            (r"\bword\B", r"\yword\Y"),
            (r"[^a-z\d_-]", r"[^a-z0-9_\-]"),
            (r"[]a^]", r"[\]a\^]"),
            (r"[[:alpha:]\]]", r"[[:alpha:]\]]"),
            (r"\x41\x{e9}\.\/\ \n", "Aé\\./ \n"),
            ("wandb-registry-", "wandb-registry-"),
        ],
    )
    def test_a_pattern_is_written_anew(self, pattern: str, translated: str):
        assert patterns.translated(pattern) == translated

    @pytest.mark.parametrize(
        ("pattern", "why"),
        [
            (r"(a)\1", r"there is no escape \1 here"),
            (r"(?=a)", "there are (?:…), (?P<name>…), and (?i) at the start"),
            (r"(?<!a)b", "there are (?:…)"),
            (r"a(?i)", "there are (?:…)"),
            ("(", "a ')' is missing"),
            ("a)", "a ')' too many"),
            ("[a", "a ']' is missing"),
            ("[]", "a ']' is missing"),
            ("[b-a]", "b-a is no range"),
            (r"[\D]", "can't stand between brackets"),
            ("[[:foo:]]", "there is no class [:foo:]"),
            ("[[.a.]]", "begin the name of a class"),
            ("*a", "nothing stands before '*'"),
            ("a|*", "nothing stands before '*'"),
            ("^*", "an anchor can't be repeated"),
            (r"\b+", "an anchor can't be repeated"),
            ("a**", "a repetition can't be repeated"),
            ("a+{2}", "a repetition can't be repeated"),
            ("a{3,2}", "{3,2} is no repetition"),
            ("a{256}", "at most 255"),
            ("((a{100}){100}){100}", "too large"),
            ("(" * 60 + ")" * 60, "nested too deeply"),
            ("\\", "a backslash stands at its end"),
            (r"\p{L}", r"there is no escape \p here"),
            (r"\x00", "no text has the character 0"),
            (r"\x{d800}", "no text has the character d800"),
            (r"\x{ffffff}", "no text has the character ffffff"),
            ("a" * 501, "at most 500 characters"),
        ],
    )
    def test_what_is_refused(self, pattern: str, why: str):
        with pytest.raises(patterns.PatternError, match=re.escape(why)):
            patterns.translated(pattern)

    def test_a_filter_says_which_pattern_is_none(self):
        assert refusal({"name": {"$regex": "("}}) == "name $regex: '(' is no pattern to search with: a ')' is missing."


class TestOrders:
    def test_a_sign_and_a_field(self):
        assert orders.parse("+name", WORDS) == orders.parse(" name", WORDS) == orders.Order("name")
        assert orders.parse("-name", WORDS) == orders.Order("name", descending=True)
        assert orders.parse("-facts.a.b", WORDS) == orders.Order("facts", ("a", "b"), descending=True)
        assert orders.parse(None, WORDS) is orders.parse("", WORDS) is None
        assert orders.parse("+title", {"title": Word("name")}) == orders.Order("name")

    @pytest.mark.parametrize("text", ["nome", "+", "-", "--name", "name asc", "a\0", "\ud800", "facts.", "x" * 501])
    def test_what_is_none(self, text: str):
        with pytest.raises(Invalid) as error:
            orders.parse(text, WORDS, field="order")
        assert error.value.field == "order"


class TestParts:
    QUERY = Query("room", "q", "select 1 where /* part: one */ true and /* part: two */ t.id", "about", None)

    def test_places_are_filled_or_keep_what_stands_there(self):
        filled = self.QUERY.with_parts(one=Part("a = %(f0)s"))
        assert filled.text == "select 1 where a = %(f0)s and /* part: two */ t.id"
        assert self.QUERY.with_parts(two=Part(r"\1 \g<0>")).text.endswith(r"and \1 \g<0>")

    def test_a_place_that_there_is_not(self):
        with pytest.raises(ValueError, match="the query q has no place for: three"):
            self.QUERY.with_parts(three=Part("true"))

    def test_a_file_of_queries_keeps_its_places(self):
        (query,) = parse("room", "-- name: q\n-- About.\nselect /* part: key */ 0 as key;\n")
        assert query.with_parts(key=Part("1")).text == "select 1 as key"


def test_a_filter_may_come_as_text_or_decoded():
    document = {"$or": [{"name": {"$in": ["x"]}}, {"facts.a": None}]}
    assert mongo.parse_text(json.dumps(document), WORDS) == mongo.parse(document, WORDS)
