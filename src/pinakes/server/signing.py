"""Addresses of files that need no credentials: whoever has one may do what it says, until it expires.

What is put is put in the name of who asked for the address; whether he still may is looked up when it is used.

An address carries a token: what may be done (`Ticket`) and a signature of ours over it. The key is made once and kept
in the database, so that every process of a server, and every server on it, signs and reads alike.
"""

from __future__ import annotations

import binascii
import hmac
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, fields
from typing import Any, Literal, cast
from urllib.parse import quote

import orjson

from pinakes.server.db import Database, load
from pinakes.server.errors import Forbidden
from pinakes.server.settings import Settings

SQL = load(__package__)

UPLOADS = "/storage/u"
DOWNLOADS = "/storage/d"

Operation = Literal["put-blob", "put-part", "put-run-file", "get"]

_PREFIX = "/storage/"
_SECRET = "file addresses"  # noqa: S105 - the name of the secret
_PURPOSE = b"pinakes file address 1\n"
_KEY_BYTES = 32
_LONGEST = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What an address allows, and what is written down when it was used.

    Attributes:
        operation: What: to put an account's blob, a part of one, or a file of a run; or to get.
        key: Which object; of a run's file only the folder: each upload makes an object of its own.
        md5: What is put has to have that MD5; what one gets has it.
        size: At most so many bytes are put; what one gets has so many.
        content_type: What one gets is of that type.
        account_id: Whose blob.
        version_id: The version for which it is uploaded, if it is for one.
        run_id: Whose file.
        name: That file's name.
        user_id: Who asked for the address, if it is one to put something.
        token_id: The token with which he did; None for a session.
    """

    operation: Operation
    key: str
    md5: bytes | None = None
    size: int | None = None
    content_type: str | None = None
    account_id: int | None = None
    version_id: int | None = None
    run_id: int | None = None
    name: str | None = None
    user_id: int | None = None
    token_id: int | None = None


_FIELDS = tuple(field.name for field in fields(Ticket))


class Signer:
    """Makes addresses, and reads the tokens in them."""

    def __init__(self, key: bytes, *, upload_seconds: int, download_seconds: int) -> None:
        """Sign with a key; addresses last so long."""
        self._key: bytes = key
        self._upload_seconds: int = upload_seconds
        self._download_seconds: int = download_seconds

    def address(self, ticket: Ticket, path: str) -> str:
        """Return the path of an address: to be put behind the server's own, with `path` at its end.

        `path` says what the file is called, for people and for clients that look at it; the token alone counts.
        """
        getting = ticket.operation == "get"
        seconds = self._download_seconds if getting else self._upload_seconds
        return f"{DOWNLOADS if getting else UPLOADS}/{self.token(ticket, seconds)}/{quote(path.lstrip('/'))}"

    def token(self, ticket: Ticket, seconds: float) -> str:
        """Return a token that is good for so long."""
        values: list[Any] = [getattr(ticket, name) for name in _FIELDS]
        values[_FIELDS.index("md5")] = ticket.md5.hex() if ticket.md5 is not None else None
        payload = orjson.dumps([int(time.time() + seconds), *values])
        return f"{_written(payload)}.{_written(self._signature(payload))}"

    def read(self, token: str, *operations: Operation) -> Ticket:
        """Return what a token allows.

        Raises:
            Forbidden: it is none of ours, it was altered, it has expired, or it is for something else.
        """
        ticket, expires = self._opened(token)
        if expires < time.time():
            message = "This address has expired; ask for a new one."
            raise Forbidden(message)
        if ticket.operation not in operations:
            message = "This address is for something else."
            raise Forbidden(message)
        return ticket

    def _opened(self, token: str) -> tuple[Ticket, int]:
        try:
            payload, signature = (_read(part) for part in token.split("."))
        except (ValueError, binascii.Error) as error:
            raise _foreign() from error
        if len(token) > _LONGEST or not hmac.compare_digest(signature, self._signature(payload)):
            raise _foreign()
        expires, *values = cast("list[Any]", orjson.loads(payload))
        if len(values) != len(_FIELDS):
            message = "This address was made by another version of the server; ask for a new one."
            raise Forbidden(message)
        facts: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
        facts["md5"] = bytes.fromhex(facts["md5"]) if facts["md5"] is not None else None
        return Ticket(**facts), expires

    def _signature(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, _PURPOSE + payload, "sha256")


async def signer_of(db: Database, settings: Settings) -> Signer:
    """Return the signer of all servers on a database; the first one that asks makes the key."""
    async with db.transaction() as tx:
        key = await tx.value(SQL.server_secret, name=_SECRET, new=os.urandom(_KEY_BYTES))
    return Signer(
        bytes(key),
        upload_seconds=settings.upload_address_hours * 3600,
        download_seconds=settings.download_address_minutes * 60,
    )


def without_token(path: str) -> str:
    """Return a path as a log may have it: of an address without what makes it work."""
    if not path.startswith(_PREFIX):
        return path
    parts = path.split("/", 4)
    return "/".join([*parts[:3], "…", *parts[4:]])


def _written(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _read(text: str) -> bytes:
    # Exactly one spelling stands for some bytes: what decodes to them otherwise was altered.
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _written(data) != text:
        raise ValueError
    return data


def _foreign() -> Forbidden:
    return Forbidden("This address is not valid: it was altered, or it is not of this server.")
