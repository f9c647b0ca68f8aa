"""What the verbs about accounts by their numbers answer with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pinakes.server.actor import Role


@dataclass(frozen=True, slots=True)
class Workplace:
    """An account that people work in: a user's own, an organization, or a team.

    Attributes:
        title: What people call it; its name where it has no other.
        role: The reader's role in it; None for an administrator of the server who has none.
    """

    id: int
    kind: str
    name: str
    title: str
    description: str
    created_at: datetime
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Fellow:
    """A user, and his role in the account that was asked about (None where none was).

    Attributes:
        email: Only where the reader may know it.
        disabled: He can't sign in any more.
    """

    id: int
    name: str
    display_name: str
    email: str | None
    is_admin: bool
    disabled: bool
    created_at: datetime
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """An account in which a user has a role, and which."""

    id: int
    title: str
    role: str
