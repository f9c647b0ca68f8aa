"""The credential of a request: `Authorization: Basic base64("api:<key>")`, a bearer token, or none at all."""

from __future__ import annotations

import binascii
from base64 import b64decode

from starlette.requests import HTTPConnection

from pinakes.server.actor import Actor, anonymous
from pinakes.server.db import Tx
from pinakes.server.errors import InvalidCredentials
from pinakes.server.people import service as people
from pinakes.server.state import request_id_of

API = "wandb"


async def actor_of(tx: Tx, request: HTTPConnection) -> Actor:
    """Return who asks: nobody without the header, else the key's user, found in one query.

    Raises:
        InvalidCredentials: the header is neither `Basic` nor `Bearer`, or its key is unknown or no longer valid.
    """
    header = request.headers.get("authorization")
    if header is None:
        return anonymous(API, request_id_of(request))
    return await people.actor_for_token(tx, _key(header), API, request_id_of(request))


def _key(header: str) -> str:
    """Take the key out of the header; the user's name beside it, always `api`, says nothing."""
    scheme, _, credential = header.partition(" ")
    credential = credential.strip()
    if scheme.lower() == "basic":
        try:
            credential = b64decode(credential, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError) as error:
            raise InvalidCredentials from error
    elif scheme.lower() != "bearer":
        credential = ""
    if not credential:
        message = "Send `Authorization: Basic` with the user name `api` and an API key of this server as the password."
        raise InvalidCredentials(message)
    return credential
