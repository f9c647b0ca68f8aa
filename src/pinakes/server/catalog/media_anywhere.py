"""Files by their hashes where nobody says whose they are: those of all accounts of whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.catalog.media_files import SQL, media_key
from pinakes.server.catalog.media_types import FileFacts, KnownFile, MediaBytes
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid
from pinakes.server.permissions.service import require_sign_in, roles_allowing
from pinakes.server.permissions.table import Permission

MOST = 10_000
_NO_ACCOUNT = 0
_MIME = "application/octet-stream"


async def facts(tx: Tx, actor: Actor, hashes: Sequence[bytes]) -> list[FileFacts]:
    """Return what is known of files of the accounts where an actor may write; of those that none knows, nothing.

    Raises:
        Unauthenticated: he did not sign in.
        Invalid: (field `hashes`) too many.
    """
    found = await _known(tx, actor, hashes, Permission.PROJECT_WRITE)
    return [FileFacts(one.sha256, one.size, one.mime, one.facts) for one in found]


async def files(tx: Tx, actor: Actor, hashes: Sequence[bytes]) -> list[MediaBytes]:
    """Return where files lie of the accounts from which an actor may download; of those that none knows, nothing.

    Raises:
        Unauthenticated: he did not sign in.
        Invalid: (field `hashes`) too many.
    """
    found = await _known(tx, actor, hashes, Permission.VERSION_DOWNLOAD)
    return [
        MediaBytes(media_key(one.account_id, one.sha256), one.size, one.mime or _MIME, one.sha256, one.sha256.hex())
        for one in found
    ]


async def _known(tx: Tx, actor: Actor, hashes: Sequence[bytes], permission: Permission) -> list[KnownFile]:
    require_sign_in(actor)
    if len(hashes) > MOST:
        message = f"At most {MOST} hashes in one call, not {len(hashes)}."
        raise Invalid(message, field="hashes")
    accounts = roles_allowing(actor, permission)
    return await tx.all(
        SQL.files_elsewhere, KnownFile, account_ids=accounts, hashes=list(set(hashes)), account_id=_NO_ACCOUNT
    )
