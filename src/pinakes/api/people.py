"""The contract of people: users, organizations, teams, members, tokens, sessions, and what one may do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints

from pinakes.api.common import NO_NUL, STORABLE, AccountName, Answer, Request

AccountKind: TypeAlias = Literal["user", "organization", "team"]
# annotator and reviewer see the items of their jobs, and nothing else; a manager sees all, labels and makes queues.
MemberRole: TypeAlias = Literal["admin", "member", "manager", "viewer", "reviewer", "annotator"]
TokenScope: TypeAlias = Literal["read", "write", "admin"]
# The patterns tell a reader of the OpenAPI what the server says in words.
_LINE: dict[str, Any] = {"pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"}
_EMAIL_PART = r'[^\s@<>"\u0000-\u001f\u007f-\u009f]'
_EMAIL: dict[str, Any] = {"pattern": f"^(?:|{_EMAIL_PART}{{1,64}}@{_EMAIL_PART}{{1,189}})$"}

Line: TypeAlias = Annotated[
    str, StringConstraints(max_length=200), STORABLE, Field(description="One line.", json_schema_extra=_LINE)
]
Email: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=254),
    STORABLE,
    Field(examples=["ada@example.org"], json_schema_extra=_EMAIL),
]
Password: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=8, max_length=1024),
    STORABLE,
    Field(description="8 to 1024 characters.", json_schema_extra={**NO_NUL, "format": "password"}),
]
# A guess at a password may be anything; only what can't be one is refused.
Guess: TypeAlias = Annotated[
    str, StringConstraints(max_length=1024), STORABLE, Field(json_schema_extra={**NO_NUL, "format": "password"})
]
Login: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=254),
    STORABLE,
    Field(description="The user's name, or his email address.", json_schema_extra=NO_NUL),
]
TokenValue: TypeAlias = Annotated[
    str, StringConstraints(min_length=20, max_length=512, pattern=r"^[!-~]+$"), Field(examples=["x" * 40])
]


def _only_text(value: object) -> object:
    """Refuse a number for a moment: whether it means seconds or milliseconds would be a guess."""
    if isinstance(value, str | datetime):
        return value
    message = "must be a time as text, like 2030-01-31T12:00:00Z"
    raise ValueError(message)


Moment: TypeAlias = Annotated[
    AwareDatetime,
    Field(strict=False, description="With its zone, like `2030-01-31T12:00:00Z`."),
    BeforeValidator(_only_text, json_schema_input_type=datetime),
]


class CreateUser(Request):
    """A user to make. Without a password he can't sign in to the web, only use tokens."""

    name: AccountName
    email: Email | None = None
    password: Password | None = None
    display_name: Line = ""
    admin: Annotated[bool, Field(description="Whether he administers this server.")] = False


class UpdateUser(Request):
    """New values for a user; what is left out stays as it is.

    To set one's own password, one shows that one knows the old one (if there is one).
    """

    display_name: Line | None = None
    email: Annotated[Email | None, Field(description="Empty to take it away.")] = None
    password: Password | None = None
    current_password: Guess | None = None
    admin: bool | None = None


class CreateToken(Request):
    """A token to make."""

    name: Line = "token"
    scope: TokenScope
    value: Annotated[
        TokenValue | None,
        Field(description="A key that you bring from elsewhere: 20 characters or more. For administrators."),
    ] = None
    expires_at: Moment | None = None
    namespace: Annotated[
        AccountName | None, Field(description="The only account whose things the token opens; all when left out.")
    ] = None


class CreateOrganization(Request):
    """An organization to make; who makes it is its first admin."""

    name: AccountName
    display_name: Line = ""


class CreateTeam(Request):
    """A team of an organization to make. Its name is one of the server's: no user, organization or team has it."""

    name: AccountName
    display_name: Line = ""


class PutMember(Request):
    """The role that a member is to have."""

    role: MemberRole


class CreateSession(Request):
    """A name and a password, to sign in with."""

    name: Login
    password: Guess


class Account(Answer):
    """A user, an organization or a team.

    Attributes:
        email: Where the reader may know it: his own, or as the server's administrator.
        admin: Whether a user administers this server.
    """

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    name: str
    kind: AccountKind
    display_name: str
    email: str | None = None
    admin: bool = False
    created_at: datetime


class Member(Account):
    """An account and a role: of a user in what was asked about, or of the user who was asked about in this."""

    role: MemberRole


class Organization(Account):
    """An organization, with its members and teams where the reader has a role in it (null where not)."""

    members: list[Member] | None = None
    teams: list[Account] | None = None


class Token(Answer):
    """A token, without its value: `hint` shows its end, `namespace` is the only account whose things it opens."""

    id: int
    name: str
    hint: str
    scope: TokenScope
    namespace: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewToken(Token):
    """A new token; its value `token` is shown this once."""

    token: str


class Whoami(Account):
    """Who one is, what one is a member of, and the token that one uses (null: a session)."""

    organizations: list[Member]
    token: Token | None


class Session(Answer):
    """A session of the web, kept in a cookie; when it ends if it is not used."""

    user: Account
    expires_at: datetime


class PermissionRule(Answer):
    """One thing that there is to do, and what allows it.

    Attributes:
        roles: The roles on the owner's account that allow it.
        scopes: The scopes of tokens that carry it.
        public: Whether anybody may, signed in or not, with what is public.
        signed_in: Whether anybody who signed in may, with what he can read.
    """

    permission: str
    roles: list[str]
    scopes: list[TokenScope]
    public: bool
    signed_in: bool


class PermissionTable(Answer):
    """Everything that there is to do, and who may."""

    permissions: list[PermissionRule]


class RoleGrant(Answer):
    """A role that one holds, and why."""

    account: str
    role: str
    because: str


class Explanation(Answer):
    """Whether one may do something, every reason that counted, and the roles that one holds on the owner."""

    allowed: bool
    permission: str
    because: list[str]
    grants: list[RoleGrant]
