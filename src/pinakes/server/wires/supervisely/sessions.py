"""`POST /api/account`: a name and a password for a token (`Api.from_credentials`)."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pinakes.server.actor import Scope
from pinakes.server.catalog import workspaces
from pinakes.server.errors import Invalid, InvalidCredentials, PinakesError
from pinakes.server.people import service as people, throttle
from pinakes.server.people.types import NewToken
from pinakes.server.state import State, address_of, request_id_of, state_of
from pinakes.server.wires.supervisely import errors
from pinakes.server.wires.supervisely.auth import API
from pinakes.server.wires.supervisely.calls import Call, respond

PATH = "/api/account"
TOKEN_NAME = "supervisely"  # noqa: S105 - the name of a token


async def account(request: Request) -> Response:
    """Sign in: the answer's `token` is a JWT whose claims the client copies, `apiToken` among them."""
    try:
        login, password = await _credentials(Call(request.scope, request.receive))
        return respond({"token": written(await _claims(request, login, password))})
    except PinakesError as error:
        return errors.answer(error)


async def _credentials(call: Call) -> tuple[str, str]:
    given, _ = await call.content()
    login, password = (given.get(name) if isinstance(given, dict) else None for name in ("login", "password"))
    if not isinstance(login, str) or not isinstance(password, str):
        message = "Send login and password as fields of a form."
        raise Invalid(message, field="login")
    return login, password


async def _claims(request: Request, login: str, password: str) -> dict[str, Any]:
    """Make a token for who knows the password, and say who he is and where he works."""
    state = state_of(request)
    await throttle.attempt_sign_in(state.db, state.settings, login, address_of(request))
    signed_in = await people.sign_in(state.db, login, password)
    return await _token(state, signed_in.secret, request_id_of(request))


async def _token(state: State, secret: str, request_id: str) -> dict[str, Any]:
    async with state.db.transaction() as tx:
        actor = await people.actor_for_session(tx, secret, API, request_id)
        if actor is None or actor.user_id is None:
            raise InvalidCredentials
        issued = await people.create_token(tx, actor, actor.name, NewToken(TOKEN_NAME, Scope.ADMIN))
        await people.sign_out(tx, secret)
        home = await workspaces.first(tx, actor, actor.user_id)
    return {
        "apiToken": issued.value,
        "id": actor.user_id,
        "login": actor.name,
        "group": {"id": home.account_id, "name": home.account},
        "workspace": {"id": home.id, "name": home.name},
    }


def written(claims: dict[str, Any]) -> str:
    """Write claims as a JWT. Nobody checks its signature, the client neither: the token in it is what counts."""
    head = _part(orjson.dumps({"alg": "HS256", "typ": "JWT"}))
    body = f"{head}.{_part(orjson.dumps(claims))}"
    signature = hmac.digest(str(claims["apiToken"]).encode(), body.encode(), "sha256")
    return f"{body}.{_part(signature)}"


def _part(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


ROUTES = (Route(PATH, account, methods=["POST"]),)
