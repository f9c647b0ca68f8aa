"""Who asks, with which credential, through which API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Scope(StrEnum):
    """How far a credential reaches; each scope includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Role(StrEnum):
    """What a user is to an account: a member of it, or the user whose own account it is; the weakest first.

    An annotator and a reviewer read nothing by their role: they see the items that their jobs hand them.
    """

    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    RESTRICTED_VIEWER = "restricted_viewer"
    VIEWER = "viewer"
    MANAGER = "manager"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Actor:
    """One request's author.

    Attributes:
        user_id: The account that acts; None for somebody who did not sign in.
        name: The user's name; "" for somebody who did not sign in.
        is_admin: An administrator of this server, who stands above every account.
        scope: What the credential allows; a session of the web app has the widest.
        roles: The user's role in every account that gives him one (his own, his organizations, their teams).
        bound_to: The only account whose things the credential may change or reveal, when it is bound to one.
        api: By which way it came: native, sdk, cli, web, huggingface ...
        token_id: The token used, for the record.
        request_id: The request, for the record.
    """

    user_id: int | None = None
    name: str = ""
    is_admin: bool = False
    scope: Scope = Scope.READ
    roles: Mapping[int, Role] = field(default_factory=dict[int, Role])
    bound_to: int | None = None
    api: str = "native"
    token_id: int | None = None
    request_id: str = ""


def anonymous(api: str, request_id: str = "") -> Actor:
    """Build the actor of a request without credentials."""
    return Actor(api=api, request_id=request_id)


def system(api: str = "system") -> Actor:
    """Build the actor of the server's own work: purges, first start, repairs."""
    return Actor(name="system", is_admin=True, scope=Scope.ADMIN, api=api)
