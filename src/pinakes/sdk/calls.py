"""A call of the API, as plain data: what is sent, and whether it may be sent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import uuid4

import orjson
from pydantic import BaseModel

from pinakes.api.common import IDEMPOTENCY_KEY, REASON
from pinakes.sdk.errors import Invalid
from pinakes.sdk.retrying import REPEATABLE

Primitive: TypeAlias = str | int | float | bool | None
Param: TypeAlias = str | int | float | bool | Sequence[str] | None

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call.

    Attributes:
        path: Below `/api/v1`; or a whole URL, which allows by itself what is done there: no token is sent.
        gone_is_done: A repeated call that finds nothing any more has done its work: a deletion whose answer was lost.
        patient: The server may be busy for minutes before it answers.
    """

    method: str
    path: str
    params: Mapping[str, Param] = field(default_factory=dict[str, Param])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    gone_is_done: bool = False
    patient: bool = False

    @property
    def repeatable(self) -> bool:
        """Say whether sending it twice does no more than sending it once."""
        return self.method in REPEATABLE or IDEMPOTENCY_KEY in self.headers


def call(
    method: str,
    path: str,
    *,
    params: Mapping[str, Param] | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    expected: int | None = None,
    reason: str | None = None,
    raw: bytes | None = None,
    key: str | None = None,
    keyed: bool = True,
    gone_is_done: bool = False,
    patient: bool = False,
) -> Call:
    """Build a call.

    Args:
        method: The HTTP method. A change carries an idempotency key, a fresh one unless `key` is given.
        path: Below `/api/v1`.
        params: The query; what is None is left out.
        body: A model of the contract or plain data, sent as JSON.
        raw: The body, written already.
        headers: Further headers.
        expected: The revision that the collection must still have (`If-Match`).
        reason: Why, where the body has no field for it.
        key: The idempotency key.
        keyed: Whether the server remembers this call's key; a POST or PATCH that it doesn't is never sent twice.
        gone_is_done: See `Call`.
        patient: See `Call`.
    """
    sent = dict(headers or {})
    if expected is not None:
        sent["If-Match"] = f'"{expected}"'
    if reason is not None:
        sent[REASON] = " ".join(reason.split())
    if method != "GET" and keyed:
        sent[IDEMPOTENCY_KEY] = key or uuid4().hex
    content = raw if body is None else encode(body)
    if content is not None:
        sent.setdefault("Content-Type", JSON)
    return Call(
        method=method,
        path=path,
        params={name: value for name, value in (params or {}).items() if value is not None},
        headers=sent,
        body=content,
        gone_is_done=gone_is_done,
        patient=patient,
    )


def encode(body: object) -> bytes:
    """Write a body as JSON; of a model, what was given.

    Raises:
        Invalid: A text or a number in it can't be written.
    """
    try:
        return orjson.dumps(body, default=_plain)
    except orjson.JSONEncodeError as error:
        if error.__cause__ is not None:  # a mistake of a program, not in what people wrote
            raise
        message = f"This can't be written as JSON: {error}."
        raise Invalid(message, code="invalid") from error


def query(params: Mapping[str, Param]) -> list[tuple[str, Primitive]]:
    """Write a query: booleans as `true` and `false`, a sequence as the parameter repeated."""
    pairs: list[tuple[str, Primitive]] = []
    for name, value in params.items():
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, str | int | float):
            pairs.append((name, str(value)))
        elif value is not None:
            pairs.extend((name, one) for one in value)
    return pairs


def segment(text: str | int) -> str:
    """Write a text as one segment of a path."""
    try:
        return quote(str(text), safe="")
    except UnicodeEncodeError as error:
        raise unwritable(error) from error


def unwritable(error: UnicodeEncodeError) -> Invalid:
    """Build the exception of a text that holds halves of characters, so that it can't be sent."""
    return Invalid(f"This text can't be sent, it is no valid Unicode: {error.object!a}.", code="invalid")


def given(**values: object) -> dict[str, Any]:
    """Return the values that were given: not None."""
    return {name: value for name, value in values.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    raise TypeError(f"{type(value).__name__} can't be written as JSON")  # noqa: EM102, TRY003 - orjson's protocol
