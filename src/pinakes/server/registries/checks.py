"""What registries, types and their settings may be called; every refusal names the field and says the rule."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime

from pinakes.server.collections.numbered import check_alias
from pinakes.server.collections.rules import fields
from pinakes.server.errors import Invalid
from pinakes.server.people.checks import RESERVED, line
from pinakes.server.registries.types import ON_DELETION, ROLES, STATES, VISIBILITIES

# W&B's client puts 15 characters before the name of a registry, and the whole may have 128.
LONGEST_NAME = 113
LONGEST_TYPE = 128
LONGEST_DESCRIPTION = 100_000
LONGEST_COMMENT = 1000
MOST_ALIASES = 100
MOST_TYPES = 100
MOST_MEMBERS = 1000
MOST_APPROVALS = 20
PAGE = 1000

_NOT_IN_NAMES = "/\\#?%:"
_HANDLE = 96
_WORDS = 40


def name(value: str) -> str:
    """Return the name of a registry, without blanks around it."""
    value = line(unicodedata.normalize("NFC", value), "name", LONGEST_NAME)
    if not value or set(value) & set(_NOT_IN_NAMES):
        message = f"A registry's name has 1 to {LONGEST_NAME} characters, none of them one of {' '.join(_NOT_IN_NAMES)}"
        raise Invalid(message, field="name")
    return value


def handles(organization: str, called: str) -> Iterator[str]:
    """Propose names for the account of a registry, the plainest first: `acme.fine-tuned-models`."""
    words = fields.words(called, "registry")[:_WORDS].strip("-")
    stem = f"{organization[: _HANDLE - len(words) - 5]}.{words}"
    proposals = [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    return (proposal for proposal in proposals if proposal.lower() not in RESERVED)


def types(values: Sequence[str], field: str = "types") -> list[str]:
    """Return types of versions, each once, in their order."""
    found = list(dict.fromkeys(type_name(value, field) for value in values))
    if len(found) > MOST_TYPES:
        message = f"At most {MOST_TYPES} types, not {len(found)}."
        raise Invalid(message, field=field)
    return found


def type_name(value: str, field: str = "type") -> str:
    """Return the name of a type of versions, without blanks around it."""
    value = line(value, field, LONGEST_TYPE)
    if not value or set(value) & set("/:"):
        message = f"A type has 1 to {LONGEST_TYPE} characters, none of them '/' or ':'."
        raise Invalid(message, field=field)
    return value


def aliases(values: Sequence[str]) -> list[str]:
    """Return aliases, each once, in their order: at most 100 in one call."""
    if len(values) > MOST_ALIASES:
        message = f"At most {MOST_ALIASES} aliases in one call, not {len(values)}."
        raise Invalid(message, field="aliases")
    return [check_alias(value) for value in dict.fromkeys(values)]


def description(value: str) -> str:
    """Return the description of a registry."""
    return fields.text(value, "description", longest=LONGEST_DESCRIPTION)


def ref(value: str | int) -> str | int:
    """Return how a collection is named; a number that no collection can have is one that none has."""
    return value if isinstance(value, str) or 0 < value < 2**31 else 0


def comment(value: str | None) -> str | None:
    """Return what somebody says to his vote; nothing when it is empty."""
    return fields.text(value, "comment", longest=LONGEST_COMMENT) or None if value is not None else None


def visibility(value: str) -> str:
    """Return who sees a registry."""
    return _one_of(value, VISIBILITIES, "visibility")


def on_deletion(value: str) -> str:
    """Return what becomes of a deletion that would take a linked version away."""
    return _one_of(value, ON_DELETION, "on_deletion")


def role(value: str) -> str:
    """Return a role in a registry."""
    return _one_of(value, ROLES, "role")


def state(value: str | None) -> str | None:
    """Return a state of promotions; None stands for all."""
    return None if value is None else _one_of(value, STATES, "state")


def approvals(value: int) -> int:
    """Return how many approvals an alias needs."""
    if not 0 <= value <= MOST_APPROVALS:
        message = f"An alias needs 0 to {MOST_APPROVALS} approvals, not {value}."
        raise Invalid(message, field="approvals")
    return value


def moment(value: datetime) -> datetime:
    """Return a moment, which has to say its zone."""
    if value.tzinfo is None:
        message = "A moment says its zone: 2025-03-14T12:00:00Z."
        raise Invalid(message, field="at")
    return value


def limit(value: int) -> int:
    """Return how many rows a page holds."""
    if not 1 <= value <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    return value


def _one_of(value: str, known: Sequence[str], field: str) -> str:
    if value not in known:
        message = f"It is one of: {', '.join(known)}."
        raise Invalid(message, field=field, details={"allowed": list(known)})
    return value
