"""How this API writes and reads values: ids, times, hashes, sizes, pages."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from pinakes.server.errors import Invalid

SHA256_BYTES = 32
OK: dict[str, object] = {"success": True}

_LARGEST = 2**31 - 1


def _id(given: object) -> object:
    """Read an id. Digits in quotes count; what no id can be becomes 0, which is nobody's, so it is simply not found."""
    if isinstance(given, str) and given.isascii() and given.strip().isdigit() and len(given) < 30:  # noqa: PLR2004
        given = int(given)
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given if 0 < given <= _LARGEST else 0
    return given


# An id in a body.
Id = Annotated[int, BeforeValidator(_id)]


def moment(value: datetime | None) -> str | None:
    """Write a time: UTC, with milliseconds."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def written_hash(sha256: bytes | None) -> str | None:
    """Write a SHA-256 as the client computes it: in base64."""
    return b64encode(sha256).decode() if sha256 is not None else None


def read_hash(text: str) -> bytes | None:
    """Read a hash; None for what is no SHA-256 in base64."""
    try:
        found = b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return found if len(found) == SHA256_BYTES else None


def need_hash(text: str, field: str = "hash") -> bytes:
    """Read a hash; Invalid for what is no SHA-256 in base64."""
    found = read_hash(text)
    if found is None:
        message = "A hash is the SHA-256 of a file's bytes in base64 (44 characters)."
        raise Invalid(message, field=field)
    return found


def envelope(entities: Sequence[object], total: int, per_page: int) -> dict[str, Any]:
    """Write one page of a list; all four facts are whole numbers or lists, always."""
    return {
        "total": total,
        "perPage": per_page,
        "pagesCount": -(-total // per_page) if per_page else 0,
        "entities": list(entities),
    }


def token_page(entities: Sequence[object], total: int, after: str | None) -> dict[str, Any]:
    """Write one page of a list that is read by token (`pagination_mode: token`)."""
    return {"total": total, "entities": list(entities), "after": after}
