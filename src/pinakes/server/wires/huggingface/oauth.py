"""`hf auth login` in the browser: the device flow (RFC 8628). Its owner lets a device in on a page of the server's own.

The client posts to `/oauth/device`, shows the code and the address of the page, and polls `/oauth/token` meanwhile.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter
from starlette.responses import Response
from typing_extensions import override

from pinakes.server.errors import (
    DeviceDenied,
    DeviceExpired,
    DevicePending,
    DeviceSlowDown,
    Invalid,
    PinakesError,
    UnsupportedGrant,
)
from pinakes.server.people import service as people, throttle
from pinakes.server.state import address_of, request_id_of, state_of
from pinakes.server.wires.huggingface import errors
from pinakes.server.wires.huggingface.auth import API
from pinakes.server.wires.huggingface.routing import Call, HubRoute, respond

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
# Where the server's own pages let a device in.
PAGE = "/device"
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
    state = state_of(call)
    await throttle.attempt(state.db, "device", state.settings.signin_limit_address, address_of(call))
    async with state.db.transaction() as tx:
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
