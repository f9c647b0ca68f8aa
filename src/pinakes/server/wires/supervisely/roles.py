"""Roles, by the numbers and words of this API."""

from __future__ import annotations

from typing import Any

from pinakes.server.actor import Role
from pinakes.server.errors import Invalid

# The client knows the first four as constants.
ROLES: dict[int, tuple[str, Role]] = {
    1: ("admin", Role.ADMIN),
    2: ("developer", Role.MEMBER),
    3: ("annotator", Role.ANNOTATOR),
    4: ("viewer", Role.VIEWER),
    5: ("reviewer", Role.REVIEWER),
    6: ("manager", Role.MANAGER),
}
_NUMBERS = {
    Role.OWNER.value: (1, "admin"),
    Role.RESTRICTED_VIEWER.value: (4, "viewer"),
    **{role.value: (number, word) for number, (word, role) in ROLES.items()},
}


def facts(role: str | None) -> dict[str, Any]:
    """Write a role: its number and its word; nulls for none."""
    number, word = _NUMBERS[role] if role is not None else (None, None)
    return {"role": word, "roleId": number}


def need(number: int) -> Role:
    """Return the role of a number; Invalid when there is none."""
    found = ROLES.get(number)
    if found is None:
        known = ", ".join(f"{known} ({word})" for known, (word, _) in ROLES.items())
        message = f"roleId: the roles are {known}."
        raise Invalid(message, field="roleId")
    return found[1]
