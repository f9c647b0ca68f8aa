"""What the fields of any collection may hold. A check returns the value to keep, or raises Invalid naming it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

from pinakes.server.collections.rules.types import Rules
from pinakes.server.errors import Invalid

THEMES = ("orange", "blue", "green", "purple", "pink", "indigo")
VISIBILITIES = ("public", "private")
TITLE_LENGTH = 250
NAME_LENGTH = 128
NOT_IN_NAMES = "/\\#?%:"
TAG_LENGTH = 64
TAG_COUNT = 100
REVISION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OTHERS = re.compile(r"[^a-z0-9]+")


def text(value: str, field: str, *, longest: int) -> str:
    """Check free text: not too long, and storable (no NUL, no half of a surrogate pair)."""
    if len(value) > longest:
        message = f"{field} has {len(value)} characters; at most {longest} are allowed."
        raise Invalid(message, field=field, details={"limit": longest, "length": len(value)})
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        message = f"{field} holds a character that can't be stored (NUL or half a surrogate pair)."
        raise Invalid(message, field=field)
    return value


def shortened(value: str, longest: int) -> str:
    """Return a text that was allowed elsewhere, cut to what is allowed here."""
    return value if len(value) <= longest else f"{value[: longest - 1]}…"


def title(value: str, allowed: Rules | None = None) -> str:
    """Check a title: something visible, at most 250 characters or as the kind allows, without what the kind refuses."""
    if not value.strip():
        message = "title must not be empty."
        raise Invalid(message, field="title")
    refused = allowed.not_in_titles if allowed else ""
    if set(value) & set(refused):
        message = (
            f"The name {value[:80]!r} holds one of {' '.join(refused)}; no name of a {allowed and allowed.kind} can."
        )
        raise Invalid(message, field="title")
    return text(value, "title", longest=allowed.title_length if allowed else TITLE_LENGTH)


def name(value: str) -> str:
    """Check the name of an artifact or release: 1 to 128 characters, none that its address could not hold."""
    if not value.strip() or value in {".", ".."}:
        message = "A name must not be empty, nor lead elsewhere in an address, as '.' and '..' do."
        raise Invalid(message, field="name")
    if not value.isprintable() or set(value) & set(NOT_IN_NAMES):
        message = f"The name {value[:80]!r} holds one of {' '.join(NOT_IN_NAMES)} or a control character; no name can."
        raise Invalid(message, field="name")
    return text(value, "name", longest=NAME_LENGTH)


def title_key(value: str) -> str:
    """Return what makes a title the same as another: white space does not count, case does."""
    return " ".join(unicodedata.normalize("NFC", value).split())


def words(value: str, otherwise: str = "collection") -> str:
    """Return the words of a title as they stand in an address: ASCII, lower case, hyphens between; or one for none."""
    plain = unicodedata.normalize("NFKD", value.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return _OTHERS.sub("-", plain).strip("-") or otherwise


def theme(value: str) -> str:
    """Check the name of a colour."""
    return _one_of(value, THEMES, "theme")


def visibility(value: str) -> str:
    """Check a visibility."""
    return _one_of(value, VISIBILITIES, "visibility")


def tags(values: Sequence[str]) -> list[str]:
    """Check tags: up to 100 of up to 64 characters; the same tag twice is one, their order is kept."""
    found = list(dict.fromkeys(text(value.strip(), "tags", longest=TAG_LENGTH) for value in values))
    if any(not value for value in found):
        message = "tags must not be empty."
        raise Invalid(message, field="tags")
    if len(found) > TAG_COUNT:
        message = f"There are {len(found)} tags; at most {TAG_COUNT} are allowed."
        raise Invalid(message, field="tags", details={"limit": TAG_COUNT})
    return found


def note(value: str | None, longest: int) -> str | None:
    """Check a note; an empty one means that there is none."""
    return text(value, "note", longest=longest) or None if value is not None else None


def score(value: float | None) -> float | None:
    """Check a score: any number that a single-precision float can hold; what is too near to zero for it is zero."""
    if value is not None and not (math.isfinite(value) and abs(value) < 3.4e38):  # noqa: PLR2004 - the largest float4
        message = "score must be a finite number below 3.4e38."
        raise Invalid(message, field="score")
    return 0.0 if value is not None and abs(value) < 1.5e-45 else value  # noqa: PLR2004 - about the smallest float4


def item_kind(value: str | None, allowed: Rules) -> None:
    """Check that items of a kind may enter."""
    if value not in allowed.accepts:
        message = f"{value!r} can't be put into a {allowed.kind}; {', '.join(allowed.accepts)} can."
        raise Invalid(message, field="kind", details={"allowed": list(allowed.accepts)})


def position(value: int) -> int:
    """Check an index: 0 or more; one beyond the end means the end."""
    if value < 0:
        message = f"position must be 0 or more, not {value}."
        raise Invalid(message, field="position")
    return min(value, 2**31 - 1)


def revision_name(value: str) -> str:
    """Check the name of a revision: up to 64 of letters, digits, `.`, `_`, `-`, and not a number."""
    if not REVISION_NAME.fullmatch(value) or value.isdigit():
        message = "The name of a revision has 1 to 64 letters, digits, '.', '_' or '-', and is not a number."
        raise Invalid(message, field="name")
    return value


def reason(value: str | None) -> str | None:
    """Check the reason for a change, which goes into the record."""
    return text(value, "reason", longest=1000) or None if value is not None else None


def _one_of(value: str, allowed: Sequence[str], field: str) -> str:
    if value not in allowed:
        message = f"{field} must be one of {', '.join(allowed)}."
        raise Invalid(message, field=field, details={"allowed": list(allowed)})
    return value
