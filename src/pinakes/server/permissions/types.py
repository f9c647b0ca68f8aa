"""What the permission room answers with."""

from __future__ import annotations

from dataclasses import dataclass

from pinakes.server.permissions.table import Permission


@dataclass(frozen=True, slots=True)
class Grant:
    """One role that a user holds: on which account, and why."""

    account_id: int
    account: str
    role: str
    because: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether something is allowed, and every reason that counted."""

    allowed: bool
    permission: Permission
    because: list[str]
