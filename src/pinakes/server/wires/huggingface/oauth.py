"""`hf auth login` in the browser: the device flow (RFC 8628), and the page on which its owner lets a device in.

The client posts to `/oauth/device`, shows the code and the address of the page, and polls `/oauth/token` meanwhile.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter
from jinja2 import Environment
from starlette.responses import HTMLResponse, Response
from typing_extensions import override

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import (
    DeviceDenied,
    DeviceExpired,
    DevicePending,
    DeviceSlowDown,
    Invalid,
    InvalidCredentials,
    NotFound,
    PinakesError,
    UnsupportedGrant,
)
from pinakes.server.people import service as people, throttle
from pinakes.server.people.types import SignedIn
from pinakes.server.state import request_id_of, state_of
from pinakes.server.wires.huggingface import errors
from pinakes.server.wires.huggingface.auth import API
from pinakes.server.wires.huggingface.routing import Call, HubRoute, respond

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PAGE = "/device"
# The page runs nothing and is shown in nobody's frame.
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_LONGEST_FORM = 10_000


# What goes under its own code; everything else that is wrong with a request is `invalid_request`.
_CODES = (DevicePending, DeviceSlowDown, DeviceExpired, DeviceDenied, UnsupportedGrant)


class OAuthRoute(HubRoute):
    """A route whose errors have OAuth's form."""

    @override
    def refuse(self, error: PinakesError) -> Response:
        status = errors.status_of(error)
        code = error.code if isinstance(error, _CODES) else "invalid_request" if status < 500 else "server_error"  # noqa: PLR2004
        return respond({"error": code, "error_description": error.message}, status)


router = APIRouter(route_class=OAuthRoute, include_in_schema=False)


@router.post("/oauth/device")
async def start(call: Call) -> Response:
    """Give a device the code that it shows, and the one that it polls with."""
    form = await _form(call)
    throttle.attempt("device", state_of(call).settings.signin_limit_address, _address(call))
    async with state_of(call).db.transaction() as tx:
        grant = await people.start_device_grant(tx, form.get("client_id", ""))
    page = f"{call.endpoint}{PAGE}"
    return respond(
        {
            "device_code": grant.device_code,
            "user_code": grant.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={quote(grant.user_code)}",
            "interval": grant.interval,
            "expires_in": grant.expires_in,
        }
    )


@router.post("/oauth/token")
async def poll(call: Call) -> Response:
    """Give a device its token, once its owner has let it in."""
    form = await _form(call)
    if form.get("grant_type") != DEVICE_GRANT:
        raise UnsupportedGrant(field="grant_type")
    async with state_of(call).db.reading() as tx:
        code = form.get("device_code", "")
        issued = await people.poll_device_grant(tx, code, api=API, request_id=request_id_of(call))
    answer: dict[str, object] = {"access_token": issued.value, "token_type": "bearer", "scope": "write-repos"}
    if issued.token.expires_at is not None:
        answer["expires_in"] = int((issued.token.expires_at - datetime.now(UTC)).total_seconds())
    return respond(answer)


@router.get(PAGE)
async def show_page(call: Call) -> Response:
    """Show the page that asks whether to let a device in."""
    return _page(code=call.word("user_code") or "")


@router.post(PAGE)
async def decide(call: Call) -> Response:
    """Let the device in, or turn it away; the form brings who decides, with a password or a token."""
    form = await _form(call)
    approve = form.get("decision") == "approve"
    try:
        await _decide(call, form, approve=approve)
    except PinakesError as error:
        return _page(errors.status_of(error), code=form.get("user_code", ""), name=form.get("name", ""), error=error)
    return _page(done="approved" if approve else "denied")


async def _decide(call: Call, form: dict[str, str], *, approve: bool) -> None:
    settings = state_of(call).settings
    limits = (settings.signin_limit, settings.signin_limit_address)
    throttle.attempt_sign_in(form.get("name", ""), _address(call), *limits)
    signed = None if form.get("token") else await _sign_in(call, form)
    async with state_of(call).db.transaction() as tx:
        actor = await _who(tx, call, form, signed)
        throttle.attempt_code(actor.name, _address(call), *limits)
        await people.decide_device_grant(tx, actor, form.get("user_code", ""), approve)


async def _sign_in(call: Call, form: dict[str, str]) -> SignedIn:
    return await people.sign_in(state_of(call).db, form.get("name", ""), form.get("password", ""))


async def _who(tx: Tx, call: Call, form: dict[str, str], signed: SignedIn | None) -> Actor:
    """Return who decides. A password opens a session, which is ended at once: the browser keeps nothing."""
    if signed is None:
        return await people.actor_for_token(tx, form["token"].strip(), API, request_id_of(call))
    actor = await people.actor_for_session(tx, signed.secret, API, request_id_of(call))
    await people.sign_out(tx, signed.secret)
    if actor is None:
        raise InvalidCredentials
    return actor


async def _form(call: Call) -> dict[str, str]:
    """Read a body of `name=value` pairs."""
    try:
        text = (await call.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100) if len(text) <= _LONGEST_FORM else None
    except ValueError as error:
        message = "The body is no form."
        raise Invalid(message, field="body") from error
    if pairs is None or any("\0" in name + value for name, value in pairs):
        message = "The body is no form of ours."
        raise Invalid(message, field="body")
    return dict(pairs)


def _address(call: Call) -> str:
    return call.client.host if call.client else ""


def _page(
    status: int = 200, *, code: str = "", name: str = "", done: str = "", error: PinakesError | None = None
) -> Response:
    missing = isinstance(error, NotFound)
    message = error.message if error else ""
    text = _template().render(code=code, name=name, done=done, message=message, missing=missing)
    return HTMLResponse(text, status, headers=_PAGE_HEADERS)


@cache
def _template():  # noqa: ANN202 - jinja2's Template
    text = Path(__file__).with_name("device.html").read_text("utf-8")
    return Environment(autoescape=True).from_string(text)
