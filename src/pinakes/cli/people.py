# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes admin …`: users, tokens, organizations, teams."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Asked, Common, confirmed
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.people import Account, Member, Organization, Token

app = App(name="admin", help="Manage users, tokens, organizations and teams.")
users = App(name="users", help="Users of the server; for its administrators.")
tokens = App(name="tokens", help="Tokens: yours, or anybody's for an administrator.")
organizations = App(name="organizations", help="Organizations and who is in them.")
teams = App(name="teams", help="Teams of organizations.")
for _part in (users, tokens, organizations, teams):
    app.command(_part)

Role = Literal["admin", "member", "manager", "viewer", "reviewer", "annotator"]
Scope = Literal["read", "write", "admin"]
Flag = Annotated[bool, Parameter(negative="")]


def _account_columns() -> list[Column[Account]]:
    return [
        Column("name", lambda a: a.name, style="cyan"),
        Column("display name", lambda a: a.display_name),
        Column("kind", lambda a: a.kind),
        Column("email", lambda a: a.email),
        Column("administrator", lambda a: a.admin or None),
        Column("since", lambda a: a.created_at),
    ]


def _member_columns() -> list[Column[Member]]:
    return [
        Column("name", lambda m: m.name, style="cyan"),
        Column("role", lambda m: m.role),
        Column("display name", lambda m: m.display_name),
    ]


def _name(account: Account) -> object:
    return account.name


def _show_organization(found: Organization, common: Common) -> None:
    fields: list[Column[Organization]] = [
        Column("name", lambda o: o.name),
        Column("display name", lambda o: o.display_name),
        Column("kind", lambda o: o.kind),
        Column("members", lambda o: [f"{m.name} ({m.role})" for m in o.members or []]),
        Column("teams", lambda o: [team.name for team in o.teams or []]),
        Column("since", lambda o: o.created_at),
    ]
    common.output.one(found, fields, name=_name)


# ----------------------------------------------------------------------------------------------------------------------
# Users
# ----------------------------------------------------------------------------------------------------------------------


@users.command(name="ls")
def list_users(*, limit: int = 100, common: Common = DEFAULT) -> None:
    """List the users of the server.

    Args:
        limit: How many at most.
    """
    with common.client() as client:
        common.output.rows(client.users.list().first(limit), _account_columns(), name=_name)


@users.command(name="show")
def show_user(name: str, *, common: Common = DEFAULT) -> None:
    """Show a user.

    Args:
        name: Which.
    """
    with common.client() as client:
        common.output.one(client.users.get(name), _account_columns(), name=_name)


@users.command(name="create")
def create_user(
    name: str,
    *,
    email: str | None = None,
    display_name: str | None = None,
    password: Asked[str | None] = None,
    admin: Flag = False,
    common: Common = DEFAULT,
) -> None:
    """Make a user. `pinakes admin tokens create` then makes him a token.

    Args:
        name: Letters, digits, `.`, `_` and `-`.
        email: To sign in with as well.
        display_name: How people know him.
        password: To sign in to the web with, at least 8 characters; - asks for it. Without one he can't.
        admin: He administers this server.
    """
    with common.client() as client:
        made = client.users.create(
            name, email=email, display_name=display_name, password=_password(password), admin=admin
        )
    common.output.one(made, _account_columns(), name=_name)
    common.output.hint(f"A token for him: pinakes admin tokens create {made.name} --scope write")


@users.command(name="edit")
def edit_user(
    name: str,
    *,
    email: str | None = None,
    display_name: str | None = None,
    password: Asked[str | None] = None,
    current_password: Asked[str | None] = None,
    admin: Annotated[bool | None, Parameter(negative="--no-admin")] = None,
    common: Common = DEFAULT,
) -> None:
    """Change a user; what is left out stays.

    Args:
        name: Which.
        email: An empty one takes it away.
        display_name: How people know him.
        password: A new password; - asks for it.
        current_password: The present one, to change one's own; - asks for it.
        admin: Whether he administers this server.
    """
    with common.client() as client:
        changed = client.users.update(
            name,
            email=email,
            display_name=display_name,
            current_password=_password(current_password, "Present password"),
            password=_password(password, "New password"),
            admin=admin,
        )
    common.output.one(changed, _account_columns(), name=_name)


@users.command(name="rm")
def remove_user(name: str, *, missing_ok: Flag = False, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Delete a user with everything that he owns.

    Args:
        name: Which.
        missing_ok: That there is none is no mistake.
        yes: Yes, with everything.
    """
    confirmed(f"pinakes admin users rm {name} --yes", given=yes)
    with common.client() as client:
        client.users.delete(name, missing_ok=missing_ok)
    common.output.done(f"{name} is gone.", removed=name)


# ----------------------------------------------------------------------------------------------------------------------
# Tokens
# ----------------------------------------------------------------------------------------------------------------------


@tokens.command(name="ls")
def list_tokens(user: str | None = None, *, common: Common = DEFAULT) -> None:
    """List a user's tokens, newest first.

    Args:
        user: Whose; yours without it.
    """
    columns: list[Column[Token]] = [
        Column("id", lambda t: t.id, right=True),
        Column("name", lambda t: t.name, style="cyan"),
        Column("scope", lambda t: t.scope),
        Column("ends with", lambda t: t.hint),
        Column("only for", lambda t: t.namespace),
        Column("created", lambda t: t.created_at),
        Column("until", lambda t: t.expires_at),
        Column("last used", lambda t: t.last_used_at),
    ]
    with common.client() as client:
        rows = client.tokens.list(user or client.users.me().name).all()
        common.output.rows(rows, columns, name=lambda t: t.id, nothing="No tokens.")


@tokens.command(name="create")
def create_token(
    user: str | None = None,
    *,
    scope: Scope = "write",
    name: str | None = None,
    value: Asked[str | None] = None,
    until: datetime | None = None,
    namespace: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Make a token and print its value, which is not shown again.

    Args:
        user: Whom it acts for; you without it.
        scope: How far it reaches.
        name: What it is for.
        value: A key that he brings from elsewhere, at least 20 characters; for administrators. - asks for it.
        until: When it ends.
        namespace: The only account whose things it opens.
    """
    with common.client() as client:
        made = client.tokens.create(
            user or client.users.me().name,
            scope=scope,
            name=name,
            value=_password(value, "Value"),
            expires_at=None if until is None else until.astimezone(),
            namespace=namespace,
        )
    output = common.output
    if output.json:
        output.data(made)
        return
    output.text(made.token)
    output.hint(f"Keep it: it is not shown again. Its id is {made.id}, its scope {made.scope}.")


@tokens.command(name="rm")
def remove_token(token: int, user: str | None = None, *, missing_ok: Flag = False, common: Common = DEFAULT) -> None:
    """End a token.

    Args:
        token: Its id, as `pinakes admin tokens ls` shows it.
        user: Whose; yours without it.
        missing_ok: That there is none is no mistake.
    """
    with common.client() as client:
        client.tokens.delete(user or client.users.me().name, token, missing_ok=missing_ok)
    common.output.done("The token has ended.", removed=token)


# ----------------------------------------------------------------------------------------------------------------------
# Organizations and teams
# ----------------------------------------------------------------------------------------------------------------------


@organizations.command(name="ls")
def list_organizations(*, limit: int = 100, common: Common = DEFAULT) -> None:
    """List the organizations that you have a role in; all of them, for an administrator of the server.

    Args:
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.organizations.list().first(limit)
        common.output.rows(rows, _account_columns(), name=_name, nothing="No organizations.")


@organizations.command(name="show")
def show_organization(organization: str, *, common: Common = DEFAULT) -> None:
    """Show an organization, its members and its teams.

    Args:
        organization: Which.
    """
    with common.client() as client:
        _show_organization(client.organizations.get(organization), common)


@organizations.command(name="create")
def create_organization(name: str, *, display_name: str | None = None, common: Common = DEFAULT) -> None:
    """Make an organization; you are its first admin.

    Args:
        name: Letters, digits, `.`, `_` and `-`.
        display_name: How people know it.
    """
    with common.client() as client:
        made = client.organizations.create(name, display_name=display_name)
    common.output.one(made, _account_columns(), name=_name)
    common.output.hint(f"Somebody else in it: pinakes admin organizations add {made.name} USER --role member")


@organizations.command(name="rm")
def remove_organization(
    organization: str, *, missing_ok: Flag = False, yes: Flag = False, common: Common = DEFAULT
) -> None:
    """Delete an organization with its teams and everything that they own.

    Args:
        organization: Which.
        missing_ok: That there is none is no mistake.
        yes: Yes, with everything.
    """
    confirmed(f"pinakes admin organizations rm {organization} --yes", given=yes)
    with common.client() as client:
        client.organizations.delete(organization, missing_ok=missing_ok)
    common.output.done(f"{organization} is gone.", removed=organization)


@organizations.command(name="add")
def add_member(organization: str, user: str, *, role: Role = "member", common: Common = DEFAULT) -> None:
    """Make a user a member of an organization, or give a member another role.

    Args:
        organization: Which.
        user: Who.
        role: admin, member (may change things), manager (may read, label and make queues), viewer (may read what is
            private), or reviewer and annotator (see the items of their jobs, and nothing else).
    """
    with common.client() as client:
        member = client.organizations.put_member(organization, user, role)
    common.output.one(member, _member_columns(), name=_name)


@organizations.command(name="remove")
def remove_member(organization: str, user: str, *, missing_ok: Flag = False, common: Common = DEFAULT) -> None:
    """End a membership of an organization, and those of its teams.

    Args:
        organization: Which.
        user: Who.
        missing_ok: That there is no such user is no mistake.
    """
    with common.client() as client:
        client.organizations.remove_member(organization, user, missing_ok=missing_ok)
    common.output.done(f"{user} is no member of {organization} any more.", removed=user, organization=organization)


@teams.command(name="ls")
def list_teams(organization: str, *, common: Common = DEFAULT) -> None:
    """List an organization's teams.

    Args:
        organization: Which.
    """
    with common.client() as client:
        rows = client.organizations.teams(organization).all()
        common.output.rows(rows, _account_columns(), name=_name, nothing="No teams.")


@teams.command(name="show")
def show_team(team: str, *, common: Common = DEFAULT) -> None:
    """Show a team and its members.

    Args:
        team: Which.
    """
    with common.client() as client:
        _show_organization(client.teams.get(team), common)


@teams.command(name="create")
def create_team(organization: str, name: str, *, display_name: str | None = None, common: Common = DEFAULT) -> None:
    """Make a team of an organization.

    Args:
        organization: Whose.
        name: A name that no other user, organization or team has.
        display_name: How people know it.
    """
    with common.client() as client:
        made = client.organizations.create_team(organization, name, display_name=display_name)
    common.output.one(made, _account_columns(), name=_name)


@teams.command(name="rm")
def remove_team(team: str, *, missing_ok: Flag = False, yes: Flag = False, common: Common = DEFAULT) -> None:
    """Delete a team and everything that it owns.

    Args:
        team: Which.
        missing_ok: That there is none is no mistake.
        yes: Yes, with everything.
    """
    confirmed(f"pinakes admin teams rm {team} --yes", given=yes)
    with common.client() as client:
        client.teams.delete(team, missing_ok=missing_ok)
    common.output.done(f"{team} is gone.", removed=team)


@teams.command(name="add")
def add_to_team(team: str, user: str, *, role: Role = "member", common: Common = DEFAULT) -> None:
    """Make a user a member of a team, or give a member another role.

    Args:
        team: Which.
        user: Who.
        role: admin, member (may change things), manager (may read, label and make queues), viewer (may read what is
            private), or reviewer and annotator (see the items of their jobs, and nothing else).
    """
    with common.client() as client:
        member = client.teams.put_member(team, user, role)
    common.output.one(member, _member_columns(), name=_name)


@teams.command(name="remove")
def remove_from_team(team: str, user: str, *, missing_ok: Flag = False, common: Common = DEFAULT) -> None:
    """End a membership of a team.

    Args:
        team: Which.
        user: Who.
        missing_ok: That there is no such user is no mistake.
    """
    with common.client() as client:
        client.teams.remove_member(team, user, missing_ok=missing_ok)
    common.output.done(f"{user} is no member of {team} any more.", removed=user, team=team)


def _password(given: str | None, what: str = "Password") -> str | None:
    """Return a secret; `-` stands for asking, so that it does not end up in the shell's history."""
    if given != "-":
        return given
    import sys
    from getpass import getpass

    return getpass(f"{what} (not shown): ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
