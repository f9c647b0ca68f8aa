"""What may be said about things in the catalog; every refusal names the field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

import orjson

from pinakes.server.catalog.types import GATES, SDKS, SORTS, VISIBILITIES, Sort
from pinakes.server.errors import Invalid

LONGEST_TITLE = 500
LONGEST_DESCRIPTION = 5_000
LONGEST_ABSTRACT = 20_000
LONGEST_TAG = 100
LONGEST_URL = 2_000
LONGEST_SEARCH = 500
MOST_TAGS = 500
MOST_AUTHORS = 5_000
MOST_WORDS = 20
LARGEST_CARD = 256 * 1024

_SCHEMES = ("http", "https", "s3", "gs")
_KIND_THERE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SPECIAL, _ESCAPED = re.compile(r"([%_\\])"), r"\\\1"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def text(value: str, field: str, longest: int, *, needed: bool = False) -> str:
    """Return a text without blanks around it.

    Raises:
        Invalid: it is too long, has control characters or broken Unicode, or is empty though it is needed.
    """
    value = value.strip()
    if len(value) > longest:
        message = f"At most {longest} characters, not {len(value)}."
        raise Invalid(message, field=field)
    if _UNPRINTABLE.search(value):
        message = "No control characters or broken Unicode, please."
        raise Invalid(message, field=field)
    if needed and not value:
        message = "It can't be empty."
        raise Invalid(message, field=field)
    return value


def title(value: str, *, needed: bool = False) -> str:
    """Return a title: one line."""
    return text(" ".join(value.split()), "title", LONGEST_TITLE, needed=needed)


def visibility(value: str) -> str:
    """Return a visibility, refusing what this server does not know."""
    return _one_of(value, VISIBILITIES, "visibility")


def gate(value: str | None) -> str | None:
    """Return how access is gated; "" and None mean: not at all."""
    return _one_of(value, GATES, "gated") if value else None


def sdk(kind: str, value: str | None) -> str | None:
    """Return a space's SDK; other kinds have none."""
    if value and kind != "space":
        message = f"Only a space has an sdk, not a {kind}."
        raise Invalid(message, field="sdk")
    return _one_of(value, SDKS, "sdk") if value else None


def sort(value: str) -> Sort:
    """Return an order of a list."""
    return cast("Sort", _one_of(value, SORTS, "sort"))


def tags(values: Sequence[str], field: str = "tags") -> list[str]:
    """Return tags, each once, in their order."""
    if len(values) > MOST_TAGS:
        message = f"At most {MOST_TAGS} tags, not {len(values)}."
        raise Invalid(message, field=field)
    return list(dict.fromkeys(text(value, field, LONGEST_TAG, needed=True) for value in values))


def words(texts: Iterable[str], field: str) -> list[str]:
    """Return the words of what somebody searches for."""
    found = [word for one in texts for word in text(one, field, LONGEST_SEARCH).split()]
    if len(found) > MOST_WORDS:
        message = f"At most {MOST_WORDS} words, not {len(found)}."
        raise Invalid(message, field=field)
    return found


def patterns(found: Iterable[str]) -> list[str] | None:
    """Return words as LIKE patterns that find them anywhere; None where there are none."""
    return [f"%{_SPECIAL.sub(_ESCAPED, word)}%" for word in found] or None


def card(value: Mapping[str, object]) -> dict[str, object]:
    """Return a card's data, which has to be JSON that the database can keep."""
    try:
        written = orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError) as error:
        message = "The card's data has to be a JSON object."
        raise Invalid(message, field="card") from error
    if len(written) > LARGEST_CARD:
        message = f"At most {LARGEST_CARD // 1024} KiB, not {len(written) // 1024}."
        raise Invalid(message, field="card")
    if _NUL.search(written):
        message = "No NUL characters, please."
        raise Invalid(message, field="card")
    return dict(value)


def authors(values: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Return a paper's authors, of each only the name."""
    if len(values) > MOST_AUTHORS:
        message = f"At most {MOST_AUTHORS} authors, not {len(values)}."
        raise Invalid(message, field="authors")
    return [{"name": _author(value)} for value in values]


def moment(value: datetime | None, field: str) -> datetime | None:
    """Return a time, which has to say its zone."""
    if value is not None and value.tzinfo is None:
        message = "A time says its zone: 2017-06-12T00:00:00Z."
        raise Invalid(message, field=field)
    return value


def kind_there(value: str) -> str:
    """Return what a reference's target is where it lives: a short word of the caller's choice."""
    if not _KIND_THERE.fullmatch(value):
        message = "A kind is a short word: 1 to 64 letters, digits, blanks, '.', '_' or '-'."
        raise Invalid(message, field="target_kind")
    return value


def url(value: str) -> str:
    """Return where a reference's target lives; nothing that a browser would run, and no passwords."""
    value = text(value, "url", LONGEST_URL, needed=True)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        message = "That is not a URL."
        raise Invalid(message, field="url") from error
    if parts.scheme not in _SCHEMES or not host or any(character.isspace() for character in value):
        message = f"A URL with a host, and one of the schemes {', '.join(_SCHEMES)}."
        raise Invalid(message, field="url")
    if "@" in parts.netloc:
        message = "A URL can't carry a user or password: everybody who sees the reference would read it."
        raise Invalid(message, field="url")
    return value


def _author(value: Mapping[str, object]) -> str:
    name = value.get("name")
    if not isinstance(name, str):
        message = "Each author is an object with a name."
        raise Invalid(message, field="authors")
    return text(name, "authors", 300, needed=True)


def _one_of(value: str, known: Sequence[str], field: str) -> str:
    if value not in known:
        message = f"It is one of: {', '.join(known)}."
        raise Invalid(message, field=field)
    return value
