"""What the people room is given and answers with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pinakes.server.actor import Role, Scope


@dataclass(frozen=True, slots=True)
class Account:
    """A user, an organization, or a team or registry of an organization.

    Attributes:
        kind: user, organization, team or registry; lookups by name never give a registry.
        is_admin: An administrator of this server (users only).
        organization_id: The organization that a team or registry belongs to.
    """

    id: int
    kind: str
    name: str
    display_name: str
    email: str | None
    is_admin: bool
    organization_id: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """An account and a role: what a user is to it, or what it (a user) is to the account that was asked about."""

    id: int
    kind: str
    name: str
    display_name: str
    email: str | None
    is_admin: bool
    organization_id: int | None
    created_at: datetime
    role: str

    @property
    def account(self) -> Account:
        """Return the account alone."""
        return Account(
            self.id,
            self.kind,
            self.name,
            self.display_name,
            self.email,
            self.is_admin,
            self.organization_id,
            self.created_at,
        )


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """A user as he sees himself: where he works unless he says otherwise, and his teams."""

    id: int
    name: str
    display_name: str
    email: str | None
    is_admin: bool
    default_account: str
    team_ids: list[int]
    teams: list[str]


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without its value: `hint` shows its ends, `bound_to` is the name of the only account it serves."""

    id: int
    name: str
    hint: str
    scope: str
    bound_to: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its value, which is shown this once."""

    token: Token
    value: str


@dataclass(frozen=True, slots=True)
class Credential:
    """What one query finds for a token or session: the user, all of his roles, and the credential's own limits.

    Attributes:
        valid: It has not expired.
        stale: Its last use was written down so long ago that this one is worth a write.
    """

    token_id: int | None
    user_id: int
    name: str
    is_admin: bool
    scope: str
    bound_to: int | None
    accounts: list[int]
    roles: list[str]
    valid: bool
    stale: bool


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A user who may sign in, and the hash of his password if he has one."""

    id: int
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Profile:
    """Who somebody is: his account, the organizations and teams that give him a role, and the token that he used."""

    account: Account
    organizations: list[Membership]
    token: Token | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: its secret, which only the browser keeps, and when it ends if it is not used."""

    account: Account
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """What a device is told when it asks to be let in (RFC 8628); times in seconds."""

    device_code: str
    user_code: str
    expires_in: int
    interval: int


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A device that waits for approval, as its owner sees it."""

    user_code: str
    client_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DevicePoll:
    """Where a device's request stands: who approved it, whether it was denied, whether it asks too often."""

    user_id: int | None
    client_id: str
    denied: bool
    expired: bool
    hurried: bool


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to make: `value` only when somebody brings his own key, `namespace` the account to bind it to."""

    name: str = "token"
    scope: Scope = Scope.WRITE
    value: str | None = None
    expires_at: datetime | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """New values for an account; None leaves one as it is, an empty email takes it away."""

    display_name: str | None = None
    email: str | None = None
    password: str | None = None
    current_password: str | None = None
    admin: bool | None = None


MEMBER_ROLES = (Role.ANNOTATOR, Role.REVIEWER, Role.VIEWER, Role.MANAGER, Role.MEMBER, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Holder:
    """An entry of a registry that lets nothing go: which version it holds, and whether the reader sees the entry.

    Attributes:
        registry: What people call the registry.
        number: The version's number in that collection.
        held: The version by its own name, `project/artifact:vN`.
        total: How many such entries there are, seen or not.
    """

    organization: str
    registry: str
    collection: str
    number: int
    held: str
    seen: bool
    total: int
