"""Signing in and out, and letting a device in (RFC 8628): the pages of people."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import InvalidCredentials, PinakesError
from pinakes.server.people import service as people, throttle
from pinakes.server.people.sessions import COOKIE
from pinakes.server.people.types import SignedIn
from pinakes.server.state import address_of, request_id_of, state_of
from pinakes.server.wires.pages.auth import API, By, drop_session, keep_session, require_own_form
from pinakes.server.wires.pages.errors import PageRoute, status_of
from pinakes.server.wires.pages.render import page

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/login")
async def show_login(actor: By, next: str = "/") -> Response:  # noqa: A002 - the parameter's name, as everywhere
    """Ask for a name and a password."""
    return page("login.html", viewer=actor.name, next=local(next), name="", message="")


@router.post("/login")
async def login(request: Request, actor: By) -> Response:
    """Sign in, and go where one wanted to."""
    require_own_form(request)
    form = await _form(request)
    target = local(form.get("next", "/"))
    try:
        signed_in = await _sign_in(request, form)
    except PinakesError as error:
        name = form.get("name", "")
        shown = {"viewer": actor.name, "next": target, "name": name, "message": error.message}
        return page("login.html", status_of(error), **shown)
    response = RedirectResponse(target, 303)
    keep_session(request, response, signed_in)
    return response


@router.get("/logout")
async def show_logout(actor: By) -> Response:
    """Ask whether to sign out: a link alone, on whatever page, must not do it."""
    return page("logout.html", viewer=actor.name)


@router.post("/logout")
async def logout(request: Request) -> Response:
    """Sign out."""
    require_own_form(request)
    secret = request.cookies.get(COOKIE)
    if secret:
        async with state_of(request).db.transaction() as tx:
            await people.sign_out(tx, secret)
    response = RedirectResponse("/", 303)
    drop_session(request, response)
    return response


@router.get("/device")
async def show_device(request: Request, actor: By, user_code: str = "") -> Response:
    """Show which device asks to be let in, and ask whether to."""
    if not user_code:
        return _device(actor)
    await _count_code(request, actor.name)
    async with state_of(request).db.reading() as tx:
        try:
            waiting = await people.device_request(tx, user_code)
        except PinakesError as error:
            return _device(actor, status_of(error), code=user_code, message=error.message)
    return _device(actor, code=waiting.user_code, client=waiting.client_id)


@router.post("/device")
async def decide_device(request: Request, actor: By) -> Response:
    """Let the device in, or turn it away. Who is not signed in brings his name and password, or a token, along."""
    form = await _form(request)
    approve = form.get("decision") == "approve"
    code = form.get("user_code", "")
    try:
        await _decide(request, actor, form, approve=approve)
    except PinakesError as error:
        return _device(actor, status_of(error), code=code, message=error.message, name=form.get("name", ""))
    return page("device_done.html", viewer=actor.name, approved=approve)


async def _decide(request: Request, actor: Actor, form: dict[str, str], *, approve: bool) -> None:
    # What a session alone decides must come from our own page for certain; a password in the form proves more.
    require_own_form(request, strict=actor.user_id is not None)
    passing = None
    if actor.user_id is None:
        passing = await _sign_in(request, form)
    else:
        await _count_code(request, actor.name)
    async with state_of(request).db.transaction() as tx:
        who = await _passing(tx, request, passing) if passing else actor
        await people.decide_device_grant(tx, who, form.get("user_code", ""), approve)


async def _passing(tx: Tx, request: Request, signed_in: SignedIn) -> Actor:
    """Return who signed in for this one decision; his session ends with it."""
    actor = await people.actor_for_session(tx, signed_in.secret, API, request_id_of(request))
    await people.sign_out(tx, signed_in.secret)
    if actor is None:
        raise InvalidCredentials
    return actor


def _device(
    actor: Actor, status: int = 200, *, code: str = "", client: str = "", name: str = "", message: str = ""
) -> Response:
    again = "/device?" + urlencode({"user_code": code}) if code else "/device"
    shown = {"viewer": actor.name, "code": code, "client": client, "name": name, "message": message, "again": again}
    return page("device.html", status, **shown)


async def _sign_in(request: Request, form: dict[str, str]) -> SignedIn:
    state = state_of(request)
    settings = state.settings
    await throttle.attempt_sign_in(state.db, settings, form.get("name", ""), address_of(request))
    token = form.get("token", "").strip()
    if not token:
        name, password = form.get("name", ""), form.get("password", "")
        return await people.sign_in(state.db, name, password, days=settings.session_days)
    async with state.db.transaction() as tx:
        return await people.sign_in_with_token(tx, token, days=settings.session_days)


async def _count_code(request: Request, name: str) -> None:
    state = state_of(request)
    await throttle.attempt_code(state.db, state.settings, name, address_of(request))


async def _form(request: Request) -> dict[str, str]:
    """Read a form's texts; files are none of our forms'."""
    async with request.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def local(target: str) -> str:
    r"""Return where to go after signing in: a path of this server, never another site (`//evil`, `/\evil`)."""
    if not target.startswith("/") or target[1:2] in {"/", "\\"} or not target.isprintable() or not target.isascii():
        return "/"
    return target
