"""What may be said about versions and artifacts; every refusal names the field and says what would be right."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from pinakes.server.artifacts.types import DIGESTS, FOR_EVER, INHERITED
from pinakes.server.collections import numbered
from pinakes.server.collections.rules import fields
from pinakes.server.errors import Invalid
from pinakes.server.paging import INT8

LONGEST_NAME = 128
LONGEST_DESCRIPTION = 100_000
LONGEST_CLIENT_ID = 256
MOST_METADATA_KEYS = 100
LARGEST_METADATA = 4 * 1024 * 1024
MOST_WORDS = 100
# A hundred years: what is added to a date has to be a date still.
LONGEST_TTL = 100 * 366 * 86_400

LAST_ID = 2**31 - 1

# Where the content of versions may be kept: this server has one place, under the names that clients know it by.
REGIONS = ("default", "minio-local")

_TAG = re.compile(r"[-\w]+( +[-\w]+)*")
_REFUSED = frozenset("/\\#?%:")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def is_id(number: int) -> bool:
    """Tell whether a number could be the id of a row."""
    return 0 < number <= LAST_ID


def name(value: str, field: str = "name") -> str:
    """Return the name of an artifact, which stands in addresses: `artifact:v3`."""
    fits = 1 <= len(value) <= LONGEST_NAME and value == value.strip() and value not in {".", ".."}
    if not fits or not value.isprintable() or _REFUSED.intersection(value):
        message = (
            f"{value[:80]!r} can't be the name of an artifact: it has 1 to {LONGEST_NAME} printable characters, "
            "none of / \\ # ? % : and no blanks around it."
        )
        raise Invalid(message, field=field)
    return value


def type_name(value: str, field: str = "type") -> str:
    """Return the name of a type of artifacts."""
    if not 1 <= len(value) <= LONGEST_NAME or not value.isprintable() or not value.strip():
        message = f"{value[:80]!r} can't be a type: it has 1 to {LONGEST_NAME} printable characters."
        raise Invalid(message, field=field)
    return value


def digest(value: str) -> str:
    """Return the digest of a version: a short word."""
    if not 1 <= len(value) <= LONGEST_NAME or not value.isprintable():
        message = f"A digest has 1 to {LONGEST_NAME} printable characters."
        raise Invalid(message, field="digest")
    return value


def digest_algorithm(value: str) -> str:
    """Return how digests are made, refusing what this server does not compute."""
    if value not in DIGESTS:
        message = f"Digests are made by {DIGESTS[0]} here, not by {value[:80]!r}."
        raise Invalid(message, field="digestAlgorithm")
    return value


def description(value: str | None) -> str | None:
    """Return a description; an empty one is none."""
    return None if value is None else fields.text(value, "description", longest=LONGEST_DESCRIPTION) or None


def metadata(value: Mapping[str, object] | str | None) -> dict[str, object]:
    """Return metadata: a JSON object of at most a hundred keys, given as such or as its text. NaN becomes null."""
    if value is None:
        return {}
    found = _loaded(value) if isinstance(value, str) else _plain(dict(value))
    if not isinstance(found, dict):
        message = "metadata has to be a JSON object."
        raise Invalid(message, field="metadata")
    found = cast("dict[str, object]", found)
    if len(found) > MOST_METADATA_KEYS:
        message = f"metadata has {len(found)} keys; at most {MOST_METADATA_KEYS} are allowed."
        raise Invalid(message, field="metadata", details={"limit": MOST_METADATA_KEYS})
    return found


def tags(values: Sequence[str], field: str = "tags") -> list[str]:
    """Return tags, each once: words of letters, digits, `_` and `-`, with blanks between."""
    _not_too_many(values, field)
    for value in values:
        if len(value) > LONGEST_NAME or not _TAG.fullmatch(value):
            message = f"Invalid tag {value[:80]!r}: letters, digits, '_', '-', blanks between; at most {LONGEST_NAME}."
            raise Invalid(message, field=field)
    return list(dict.fromkeys(values))


def aliases(values: Sequence[str]) -> list[str]:
    """Return aliases, each once."""
    _not_too_many(values, "aliases")
    return list(dict.fromkeys(numbered.check_alias(value) for value in values))


def ttl(value: int | None) -> int | None:
    """Return a time to live in seconds; -2 is for ever, and -1 (or 0) what the project decides, which is None here."""
    if value is None or value in {0, INHERITED}:
        return None
    if value != FOR_EVER and not 0 < value <= LONGEST_TTL:
        message = f"A time to live is 1 to {LONGEST_TTL} seconds, -1 (as the project decides) or -2 (for ever)."
        raise Invalid(message, field="ttlDurationSeconds")
    return value


def history_step(value: int | None) -> int | None:
    """Return the step of a run's history at which a version was logged."""
    if value is not None and value not in INT8:
        message = "historyStep must be a whole number of 64 bits."
        raise Invalid(message, field="historyStep")
    return value


def storage_region(value: str | None) -> str | None:
    """Return where to keep the content; this server knows one place."""
    if value is not None and value not in REGIONS:
        message = f"There is no storage region {value[:200]!r} here; leave it out, or say 'default'."
        raise Invalid(message, field="storageRegion")
    return value


def client_id(value: str | None, field: str = "clientID") -> str | None:
    """Return a name that a client made up for something; an empty one is none."""
    if not value:
        return None
    if len(value) > LONGEST_CLIENT_ID or not value.isprintable():
        message = f"It has 1 to {LONGEST_CLIENT_ID} printable characters."
        raise Invalid(message, field=field)
    return value


def _not_too_many(values: Sequence[str], field: str) -> None:
    if len(values) > MOST_WORDS:
        message = f"There are {len(values)}; at most {MOST_WORDS} are allowed."
        raise Invalid(message, field=field, details={"limit": MOST_WORDS})


def _loaded(text: str) -> object:
    """Read JSON as Python writes it: NaN and the infinities, which are no JSON, become null."""
    if len(text) > LARGEST_METADATA:
        raise _too_large()
    try:
        return _plain(json.loads(text, parse_constant=lambda _: None))
    except (ValueError, RecursionError) as error:
        message = "metadata has to be a JSON object."
        raise Invalid(message, field="metadata") from error


def _plain(value: object) -> object:
    """Return JSON as the database will give it back."""
    try:
        written = orjson.dumps(value)
    except TypeError as error:  # what orjson says of anything that it can't write
        message = "metadata holds something that is no JSON, a whole number beyond 64 bits or broken Unicode."
        raise Invalid(message, field="metadata") from error
    if len(written) > LARGEST_METADATA:
        raise _too_large()
    if _NUL.search(written):
        message = "metadata holds a NUL character, which can't be stored."
        raise Invalid(message, field="metadata")
    return orjson.loads(written)


def _too_large() -> Invalid:
    message = f"metadata has at most {LARGEST_METADATA // 1024**2} MiB."
    return Invalid(message, field="metadata", details={"limit": LARGEST_METADATA})
