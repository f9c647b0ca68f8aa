"""Requests that may arrive twice and must be carried out once: a key from the caller, and the answer kept under it.

The key is kept in the transaction that makes the change, so neither is there without the other. Two requests with one
key at the same time come one after the other: the second waits, and finds the answer of the first.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import IdempotencyMismatch
from pinakes.server.events.service import SQL
from pinakes.server.events.types import Kept
from pinakes.server.permissions.service import require_sign_in

# How long an answer is kept: longer than any client goes on trying.
LIFETIME = timedelta(hours=24)


async def begin(tx: Tx, actor: Actor, key: str, request_digest: bytes) -> Kept | None:
    """Claim a key for this transaction, and return the answer that a request with it got before, if one did.

    Raises:
        Unauthenticated: nobody signed in; keys are kept by user.
        IdempotencyMismatch: the key was used for another request.
    """
    user_id = require_sign_in(actor)
    await tx.run(SQL.lock_key, lock=_lock(user_id, key))
    kept = await tx.one(SQL.find_answer, Kept, user_id=user_id, key=key, lifetime=LIFETIME)
    if kept is not None and kept.request_digest != request_digest:
        raise IdempotencyMismatch(field="Idempotency-Key")
    return kept


async def keep(tx: Tx, actor: Actor, key: str, kept: Kept) -> None:
    """Keep the answer under a key that `begin` claimed."""
    await tx.run(
        SQL.keep_answer,
        user_id=require_sign_in(actor),
        key=key,
        request_digest=kept.request_digest,
        status=kept.status,
        answer=kept.answer,
    )


async def purge(tx: Tx) -> int:
    """Forget the answers that nobody will ask for again; return how many."""
    return await tx.run(SQL.purge_answers, lifetime=LIFETIME)


def _lock(user_id: int, key: str) -> int:
    return int.from_bytes(blake2b(f"{user_id}:{key}".encode(), digest_size=8).digest(), signed=True)
