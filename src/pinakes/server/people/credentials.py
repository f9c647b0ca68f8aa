"""Tokens and sessions: who a request comes from, and how people get what they identify themselves with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from pinakes.server.actor import Actor, Role, Scope
from pinakes.server.db import Database, IntegrityError, Tx, load, violated
from pinakes.server.errors import (
    AccountNotFound,
    Conflict,
    Forbidden,
    Invalid,
    InvalidCredentials,
    NotFound,
    ScopeTooNarrow,
)
from pinakes.server.events.service import record
from pinakes.server.people import checks, secrets
from pinakes.server.people.accounts import account, user
from pinakes.server.people.types import Account, Credential, IssuedToken, NewToken, PasswordHash, SignedIn, Token
from pinakes.server.permissions.service import require, require_sign_in
from pinakes.server.permissions.table import Permission

SQL = load(__package__)

SESSION_DAYS = 30

_SCOPES = {scope.value: scope for scope in Scope}
_ROLES = {role.value: role for role in Role}
_STRENGTH = {role: strength for strength, role in enumerate(Role)}
_LARGEST_ID = 2**31 - 1


async def actor_for_token(tx: Tx, token: str, api: str, request_id: str) -> Actor:
    """Return who acts with a token.

    One query tells all. Once a minute a second one notes that the token was used, so `tx` must not be read-only.

    Raises:
        InvalidCredentials: there is no such token, or it has expired.
    """
    found = await tx.one(SQL.token_credential, Credential, digest=secrets.digest(token))
    if found is None or not found.valid:
        raise InvalidCredentials
    if found.stale:
        await tx.run(SQL.touch_token, id=found.token_id)
    return _actor(found, api, request_id)


async def actor_for_session(
    tx: Tx, secret: str, api: str, request_id: str, *, days: int = SESSION_DAYS
) -> Actor | None:
    """Return who acts with a session of the web; None when it has ended. Its use puts its end off by `days`."""
    digest = secrets.digest(secret)
    found = await tx.one(SQL.session_credential, Credential, digest=digest, days=days)
    if found is None or not found.valid:
        return None
    if found.stale:
        await tx.run(SQL.touch_session, digest=digest, days=days)
    return _actor(found, api, request_id)


async def actor_for_user(tx: Tx, user_id: int, api: str, request_id: str = "") -> Actor:
    """Return a user as an actor with all that he may do, for work that goes on in his name.

    Raises:
        AccountNotFound: he is gone.
    """
    found = await tx.one(SQL.user_credential, Credential, user_id=user_id)
    if found is None:
        raise AccountNotFound
    return _actor(found, api, request_id)


async def actor_again(tx: Tx, *, user_id: int, token_id: int | None, api: str) -> Actor | None:
    """Return who acted before, by that token or a session, with what he may do now; None when he or it is gone."""
    if token_id is None:
        found = await tx.one(SQL.user_credential, Credential, user_id=user_id)
    else:
        found = await tx.one(SQL.token_credential_by_id, Credential, user_id=user_id, token_id=token_id)
    return _actor(found, api, "") if found is not None and found.valid else None


def _actor(found: Credential, api: str, request_id: str) -> Actor:
    roles: dict[int, Role] = {}
    for account_id, name in zip(found.accounts, found.roles, strict=True):
        role = _ROLES[name]
        if account_id not in roles or _STRENGTH[role] > _STRENGTH[roles[account_id]]:
            roles[account_id] = role
    return Actor(
        user_id=found.user_id,
        name=found.name,
        is_admin=found.is_admin,
        scope=_SCOPES[found.scope],
        roles=roles,
        bound_to=found.bound_to,
        api=api,
        token_id=found.token_id,
        request_id=request_id,
    )


async def create_token(tx: Tx, actor: Actor, name: str, wanted: NewToken) -> IssuedToken:
    """Make a token for the user of that name.

    Raises:
        AccountNotFound: there is no such user, or no such namespace to bind it to.
        Forbidden: the user is somebody else and the actor no administrator, or he brings his own value and is none.
        ScopeTooNarrow: the actor's own token is not of scope admin, or bound.
        Invalid: a name, value or expiry that can't be.
        Conflict: the value is somebody's token already.
    """
    owner = await user(tx, name)
    require_token_management(actor, owner)
    if wanted.value is not None and not actor.is_admin:
        message = "Only an administrator of this server may choose a token's value."
        raise Forbidden(message, field="value")
    value = checks.key(wanted.value) if wanted.value is not None else secrets.new_token()
    if wanted.expires_at is not None and wanted.expires_at <= datetime.now(UTC):
        message = "That is over already; choose a time in the future."
        raise Invalid(message, field="expires_at")
    bound_to = await _binding(tx, owner, wanted.namespace) if wanted.namespace is not None else None
    return await issue(tx, actor, owner.id, wanted, value, bound_to)


async def issue(
    tx: Tx, actor: Actor, user_id: int, wanted: NewToken, value: str, bound_to: Account | None = None
) -> IssuedToken:
    """Keep a new token's digest, and record that it was made. Whether it may be made is the caller's to ask.

    Raises:
        Invalid: the name can't be.
        Conflict: the value is somebody's token already.
    """
    token_name = checks.line(wanted.name, "name") or "token"
    try:
        async with tx.savepoint():
            token = await tx.one(
                SQL.create_token,
                Token,
                user_id=user_id,
                name=token_name,
                digest=secrets.digest(value),
                hint=secrets.hint(value),
                scope=wanted.scope.value,
                bound_to=bound_to.id if bound_to else None,
                expires_at=wanted.expires_at,
            )
    except IntegrityError as error:
        if violated(error) != "tokens_digest_taken":
            raise
        message = "That value is a token already; choose another."
        raise Conflict(message, field="value") from error
    made = cast("Token", token)
    after = {"token": made.id, "name": made.name, "scope": made.scope}
    await record(tx, actor, "token.created", account_id=user_id, after=after)
    return IssuedToken(made, value)


async def tokens_of(tx: Tx, actor: Actor, name: str) -> list[Token]:
    """List a user's tokens, newest first.

    Raises:
        AccountNotFound, Forbidden, ScopeTooNarrow: as for making one.
    """
    owner = await user(tx, name)
    require_token_management(actor, owner)
    return await tx.all(SQL.tokens_of, Token, user_id=owner.id)


async def delete_token(tx: Tx, actor: Actor, name: str, token_id: int) -> None:
    """End a token.

    Raises:
        NotFound: the user has no such token.
        AccountNotFound, Forbidden, ScopeTooNarrow: as for making one.
    """
    owner = await user(tx, name)
    require_token_management(actor, owner)
    if not 0 < token_id <= _LARGEST_ID or not await tx.run(SQL.delete_token, id=token_id, user_id=owner.id):
        message = "No such token."
        raise NotFound(message)
    await record(tx, actor, "token.deleted", account_id=owner.id, before={"token": token_id})


async def current_token(tx: Tx, actor: Actor) -> Token | None:
    """Return the token that an actor uses; None for a session."""
    if actor.token_id is None:
        return None
    return await tx.one(SQL.token, Token, id=actor.token_id, user_id=actor.user_id)


def require_token_management(actor: Actor, owner: Account) -> None:
    """Raise unless an actor may make and end tokens (and sessions, and devices) of a user.

    A token that is bound to a namespace may not: it could make itself one that is not bound.
    """
    require(actor, Permission.TOKEN_MANAGE, owner_id=owner.id, visibility="public")
    if actor.bound_to is not None:
        message = "A token that is bound to a namespace can't manage tokens."
        raise ScopeTooNarrow(message, details={"permission": Permission.TOKEN_MANAGE})


async def _binding(tx: Tx, owner: Account, namespace: str) -> Account:
    """Find the account that a token shall be bound to: one that gives its user a role."""
    try:
        target = await account(tx, namespace, keep=True)
    except AccountNotFound as error:
        message = "No such namespace to bind the token to."
        raise AccountNotFound(message, field="namespace") from error
    if not owner.is_admin and target.id not in (await actor_for_user(tx, owner.id, "system")).roles:
        message = f"{owner.name} has no role in {target.name}, so a token bound to it would open nothing."
        raise Invalid(message, field="namespace")
    return target


async def sign_in(db: Database, login: str, password: str, *, days: int = SESSION_DAYS) -> SignedIn:
    """Begin a session for who knows a user's name (or email address) and password.

    No connection is held while the password is hashed. Callers limit how often one may try (`throttle`).

    Raises:
        InvalidCredentials: no such user, or another password; which of them is not told.
    """
    async with db.reading() as tx:
        found = await tx.one(SQL.password_of, PasswordHash, login=login) if _could_be_login(login) else None
    hashed = found.password_hash if found else None
    if not await secrets.verify_password(password, hashed) or found is None or hashed is None:
        message = "That name and password don't belong together."
        raise InvalidCredentials(message)
    renewed = await secrets.hash_password(password) if secrets.outdated(hashed) else None
    async with db.transaction() as tx:
        signed_in = await _begin_session(tx, found.id, hashed, days)
        if renewed is not None:
            await tx.run(SQL.set_password_hash, id=found.id, password_hash=renewed)
    return signed_in


async def sign_in_with_token(tx: Tx, token: str, *, days: int = SESSION_DAYS) -> SignedIn:
    """Begin a session for who has a token of scope admin: the first administrator has no password yet.

    Raises:
        InvalidCredentials: there is no such token, or it has expired.
        ScopeTooNarrow: a session may do everything that its user may, and the token may not.
    """
    actor = await actor_for_token(tx, token, "web", "")
    if actor.scope is not Scope.ADMIN or actor.bound_to is not None:
        message = "Signing in needs a token of scope admin that is not bound to a namespace."
        raise ScopeTooNarrow(message, details={"scope": actor.scope})
    return await _begin_session(tx, require_sign_in(actor), None, days)


async def _begin_session(tx: Tx, user_id: int, password_hash: str | None, days: int) -> SignedIn:
    secret = secrets.new_secret()
    await tx.run(SQL.forget_expired_sessions)
    ends = await tx.value(
        SQL.create_session, digest=secrets.digest(secret), user_id=user_id, password_hash=password_hash, days=days
    )
    who = await tx.one(SQL.account_by_id, Account, id=user_id)
    if ends is None or who is None:
        raise InvalidCredentials
    return SignedIn(who, secret, ends)


async def sign_out(tx: Tx, secret: str) -> None:
    """End a session; one that has ended already is no error."""
    await tx.run(SQL.delete_session, digest=secrets.digest(secret))


def _could_be_login(text: str) -> bool:
    return bool(text) and len(text) <= 254 and text.isprintable()  # noqa: PLR2004 - the longest email address
