"""Accounts: users, and what is common to users, organizations and teams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.db import IntegrityError, Tx, load, violated
from pinakes.server.errors import AccountNotFound, Conflict, Forbidden, LastAdministrator, NameTaken
from pinakes.server.events.service import record
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people import checks, secrets
from pinakes.server.people.holders import TAKE_OUT_DELETED, refuse_if_held
from pinakes.server.people.types import Account, AccountChanges, PasswordHash
from pinakes.server.permissions.service import require, require_server
from pinakes.server.permissions.table import Permission
from pinakes.server.tasks import defer

SQL = load(__package__)

NO_SESSION = b""


async def account(tx: Tx, name: str, *, keep: bool = False) -> Account:
    """Find the user, organization or team of a name; case does not matter. A registry's handle is nobody's name.

    With `keep` it can't be deleted until the transaction ends: for whoever makes something that it will own.

    Raises:
        AccountNotFound: nobody has that name.
    """
    query = SQL.keep_account if keep else SQL.account
    found = await tx.one(query, Account, name=name) if checks.is_name(name) else None
    if found is None:
        raise nobody(name)
    return found


def nobody(name: str) -> AccountNotFound:
    """Return the error that says that there is no account of a name, or none for who asks."""
    message = f"No such user, organization or team: {name[:100]!r}."
    return AccountNotFound(message)


async def user(tx: Tx, name: str, *, keep: bool = False) -> Account:
    """Find the user of a name; AccountNotFound when nobody has it, or something that is no user."""
    return await of_kind(tx, name, "user", keep=keep)


async def of_kind(tx: Tx, name: str, kind: str, *, keep: bool = False) -> Account:
    """Find the account of a name and kind (user, organization, team).

    Raises:
        AccountNotFound: there is none, or it is of another kind.
    """
    try:
        found = await account(tx, name, keep=keep)
    except AccountNotFound:
        found = None
    if found is None or found.kind != kind:
        message = f"No such {kind}."
        raise AccountNotFound(message)
    return found


async def users(tx: Tx, actor: Actor, *, limit: int, cursor: str | None = None) -> Page[Account]:
    """List the users of this server, by name. For its administrators.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not administer this server.
        Invalid: the cursor is none of ours.
    """
    require_server(actor)
    rows = await tx.all(SQL.users, Account, after=after_name(cursor), limit=limit + 1)
    return page_by_name(rows, limit)


def sees_email(actor: Actor, of: Account) -> bool:
    """Tell whether an actor may know an account's email address: his own, or any as the server's administrator."""
    return actor.bound_to is None and (actor.is_admin or (actor.user_id is not None and actor.user_id == of.id))


async def create_user(
    tx: Tx,
    actor: Actor,
    name: str,
    *,
    email: str | None = None,
    password_hash: str | None = None,
    display_name: str = "",
    admin: bool = False,
) -> Account:
    """Make a user. For administrators of the server.

    The password comes hashed (`secrets.hash_password`, after `checks.password`): hashing holds no connection.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not administer this server.
        Invalid: a name or email address that can't be.
        NameTaken: the name is somebody's, or some organization's or team's.
        Conflict: the email address is another user's.
    """
    require_server(actor)
    made = await insert_account(
        tx,
        kind="user",
        name=checks.new_name(name),
        display_name=checks.line(display_name, "display_name"),
        email=checks.email(email) if email else None,
        password_hash=password_hash,
        is_admin=admin,
        organization_id=None,
    )
    await record(tx, actor, "user.created", account_id=made.id, after={"name": made.name, "admin": admin})
    return made


async def insert_account(tx: Tx, **columns: object) -> Account:
    """Insert an account's row, and turn what the database refuses into errors of ours."""
    try:
        async with tx.savepoint():
            return cast("Account", await tx.one(SQL.create_account, Account, **columns))
    except IntegrityError as error:
        raise _refusal(error, str(columns["name"])) from error


def _refusal(error: IntegrityError, name: str) -> Exception:
    match violated(error):
        case "accounts_name_taken":
            return NameTaken(f"The name {name!r} is taken.", field="name", details={"name": name})
        case "accounts_email_taken":
            return Conflict("Another user has that email address.", field="email")
        case _:
            return error


async def update_user(
    tx: Tx,
    actor: Actor,
    name: str,
    changes: AccountChanges,
    *,
    password_hash: str | None = None,
    session: str | None = None,
) -> Account:
    """Change a user: his own display name, email address and password; administrators anybody's, and who is one.

    The new password comes hashed, after `confirm_password`. It ends the user's sessions, but for `session`.

    Raises:
        AccountNotFound: there is no such user.
        Forbidden, ScopeTooNarrow: it is not the actor's to do.
        LastAdministrator: nobody would administer the server any more.
        Invalid: a value that can't be.
        Conflict: the email address is another user's.
    """
    who = await user(tx, name)
    require_self(actor, who)
    if changes.admin is not None:
        require_server(actor)
        if not changes.admin:
            await _leave_an_administrator(tx, who)
    try:
        async with tx.savepoint():
            changed = await tx.one(
                SQL.update_account,
                Account,
                id=who.id,
                display_name=None
                if changes.display_name is None
                else checks.line(changes.display_name, "display_name"),
                email=checks.email(changes.email) if changes.email else changes.email,
                password_hash=password_hash,
                is_admin=changes.admin,
            )
    except IntegrityError as error:
        raise _refusal(error, who.name) from error
    if changed is None:
        raise AccountNotFound
    if password_hash is not None:
        kept = secrets.digest(session) if session is not None and who.id == actor.user_id else NO_SESSION
        await tx.run(SQL.delete_sessions, user_id=who.id, but=kept)
    await record(tx, actor, "user.updated", account_id=who.id, after=_changed(changes))
    return changed


def _changed(changes: AccountChanges) -> dict[str, object]:
    """Tell what the record keeps of a change: which fields; never a password or an address."""
    fields = ("display_name", "email", "password")
    after: dict[str, object] = {"fields": [field for field in fields if getattr(changes, field) is not None]}
    return after if changes.admin is None else {**after, "admin": changes.admin}


async def password_to_confirm(tx: Tx, actor: Actor, name: str) -> str | None:
    """Return the hash of the password to show before one sets a user's password; None when none is due.

    Raises:
        AccountNotFound, Forbidden, ScopeTooNarrow: as for any change of a user.
    """
    who = await user(tx, name)
    require_self(actor, who)
    if actor.is_admin and actor.user_id != who.id:
        return None
    found = await tx.one(SQL.password_of, PasswordHash, login=who.name)
    return found.password_hash if found else None


async def confirm_password(hashed: str | None, current: str | None) -> None:
    """Raise Forbidden unless `current` is the password to show. Takes its time: hold no connection meanwhile."""
    if hashed is not None and not await secrets.verify_password(current or "", hashed):
        message = "The current password is another."
        raise Forbidden(message, field="current_password")


def require_self(actor: Actor, who: Account) -> None:
    """Raise unless an actor may change a user: it is himself, or he administers the server; in scope admin."""
    require(actor, Permission.TOKEN_MANAGE, owner_id=who.id, visibility="public")
    if actor.bound_to is not None:
        message = "A token that is bound to a namespace can't change its user."
        raise Forbidden(message)


async def delete_user(tx: Tx, actor: Actor, name: str) -> None:
    """Delete a user with everything that he owns; his name is free again. For administrators of the server.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor does not administer this server.
        AccountNotFound: there is no such user.
        LastAdministrator: nobody would administer the server, or an organization, any more.
    """
    require_server(actor)
    who = await user(tx, name)
    await end_accounts(tx, actor, [who.id], before_end=lambda: _leave_administrators(tx, who))
    await record(tx, actor, "user.deleted", account_id=who.id, before={"name": who.name})


async def end_accounts(
    tx: Tx, actor: Actor, ids: list[int], before_end: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Delete accounts and, softly, everything that they own.

    The catalog's locks come first, as everywhere. Then the rows of the accounts: who is just making something that they
    will own finishes before, or finds them gone. `before_end` may still refuse, with the locks held.

    Raises:
        AccountNotFound: somebody else deleted one of them meanwhile.
        RegistryHolds: a registry that lets nothing go holds versions of theirs.
    """
    await tx.run(SQL.hold_still)
    if before_end is not None:
        await before_end()
    if len(await tx.rows(SQL.hold_accounts, ids=ids)) < len(ids):
        raise AccountNotFound
    if await tx.rows(SQL.hold_versions_of, ids=ids):
        await refuse_if_held(tx, actor, owners=ids)
        await defer(tx, TAKE_OUT_DELETED, once=TAKE_OUT_DELETED)
    await tx.run(SQL.delete_items_of, ids=ids, actor_id=actor.user_id)
    await tx.run(SQL.delete_accounts, ids=ids)


async def _leave_an_administrator(tx: Tx, leaving: Account) -> None:
    administrators = [row[0] for row in await tx.rows(SQL.hold_administrators)]
    if administrators == [leaving.id]:
        message = f"{leaving.name} is the last administrator of this server; make another one first."
        raise LastAdministrator(message)


async def _leave_administrators(tx: Tx, leaving: Account) -> None:
    """Raise when the server, or an organization, would lose its last one with a user who is to be deleted."""
    await _leave_an_administrator(tx, leaving)
    admins: dict[str, list[int]] = {}
    for organization, user_id in await tx.rows(SQL.hold_admins_beside, user_id=leaving.id):
        admins.setdefault(organization, []).append(user_id)
    if left := sorted(name for name, those in admins.items() if those == [leaving.id]):
        message = f"{leaving.name} is the last admin of {', '.join(left[:10])}; make another one first, or delete it."
        raise LastAdministrator(message, details={"organizations": left})


def after_name(cursor: str | None) -> str | None:
    """Read the cursor of a list that is ordered by name."""
    return decode_cursor(cursor, str)[0] if cursor is not None else None


def page_by_name(rows: list[Account], limit: int) -> Page[Account]:
    """Make a page of accounts that were read by name, one more than the page holds."""
    return cut(rows, limit, lambda last: (last.name.lower(),))
