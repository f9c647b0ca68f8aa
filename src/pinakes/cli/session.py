"""`login`, `logout`, `whoami`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from pinakes.cli.common import DEFAULT, Common
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.people import Whoami

HERE = "http://localhost:8080"


def login(*, common: Common = DEFAULT) -> None:
    """Log in to a server: check a token there, and keep both for the next calls.

    What is not given is asked for; `--token -` reads the token from the standard input. The login is kept in
    `~/.config/pinakes/login.json`, which nobody else can read.
    """
    import os

    from pinakes.sdk import config

    known = common.url or os.environ.get(config.URL_VARIABLE)
    url = config.normal(known or _asked("Server", HERE))
    token = _token(common.token)
    with replace(common, url=url, token=token).client() as client:
        profile = client.users.me()
    path = config.save(config.Login(url, token))
    _show(profile, common)
    common.output.hint(f"Logged in to {url} as {profile.name}; kept in {path}.")


def logout(*, common: Common = DEFAULT) -> None:
    """Forget the saved login. The token itself stays valid: `pinakes admin tokens rm` ends it."""
    from pinakes.sdk import config

    known = config.forget()
    common.output.done("Logged out." if known else "There was no saved login.", logged_out=known)


def whoami(*, common: Common = DEFAULT) -> None:
    """Show who you are on the server, your organizations and teams, and how far your token reaches."""
    with common.client() as client:
        _show(client.users.me(), common)


def _show(profile: Whoami, common: Common) -> None:
    columns: list[Column[Whoami]] = [
        Column("name", lambda me: me.name),
        Column("display name", lambda me: me.display_name),
        Column("email", lambda me: me.email),
        Column("administrator", lambda me: me.admin or None),
        Column("roles", lambda me: [f"{org.name} ({org.role})" for org in me.organizations]),
        Column("token", lambda me: me.token and f"{me.token.name}, scope {me.token.scope}"),
        Column("only for", lambda me: me.token and me.token.namespace),
        Column("until", lambda me: me.token and me.token.expires_at),
    ]
    common.output.one(profile, columns, name=lambda me: me.name)


def _token(given: str | None) -> str:
    import os

    from pinakes.sdk.config import TOKEN_VARIABLE

    if given == "-":
        return sys.stdin.readline().strip()
    known = given or os.environ.get(TOKEN_VARIABLE)
    if known:
        return known
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    from getpass import getpass

    return getpass("Token (not shown): ").strip()


def _asked(what: str, default: str) -> str:
    """Ask at the terminal; where nobody can answer, take the default."""
    if not sys.stdin.isatty():
        return default
    print(f"{what} [{default}]: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() or default
