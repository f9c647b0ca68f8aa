"""Which server, and as whom: from the call, else the environment, else the login that `pinakes login` saved."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from pinakes.sdk.errors import NotConnected

URL_VARIABLE = "PINAKES_URL"
TOKEN_VARIABLE = "PINAKES_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Login:
    """A server and the token to use there; `token` is None for somebody who only reads what is public."""

    url: str
    token: str | None = None


def login_path() -> Path:
    """Return the file that keeps the saved login."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "pinakes" / "login.json"


def saved() -> Login | None:
    """Return the saved login; None if there is none.

    Raises:
        NotConnected: The file can't be read.
    """
    try:
        content = login_path().read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"The saved login {login_path()} can't be read: {error.strerror}."
        raise NotConnected(message, code="login_unreadable") from error
    try:
        kept: Any = orjson.loads(content)
        return Login(kept["url"], kept.get("token"))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        message = f"The saved login {login_path()} is damaged."
        raise NotConnected(message, code="login_unreadable") from error


def save(login: Login) -> Path:
    """Keep a login for the next calls, in a file that nobody else can read, and return where."""
    path = login_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(asdict(login), option=orjson.OPT_INDENT_2))
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return path


def forget() -> bool:
    """Remove the saved login and say whether there was one."""
    try:
        login_path().unlink()
    except FileNotFoundError:
        return False
    return True


def resolve(url: str | None = None, token: str | None = None) -> Login:
    """Find the server and the token.

    A saved token goes only to the server that it was saved for, never to one that the call or the environment names.

    Raises:
        NotConnected: Nobody said which server.
    """
    token = token or os.environ.get(TOKEN_VARIABLE) or None
    chosen = url or os.environ.get(URL_VARIABLE)
    kept = saved() if chosen is None or token is None else None
    if chosen is None:
        if kept is None:
            message = "No server: give a url, set PINAKES_URL, or run `pinakes login`."
            raise NotConnected(message, code="not_connected")
        return Login(kept.url, token or kept.token)
    chosen = normal(chosen)
    return Login(chosen, token or (kept.token if kept is not None and kept.url == chosen else None))


def normal(url: str) -> str:
    """Bring a server's URL into one form: with a scheme, without a slash at its end.

    Raises:
        NotConnected: It is no URL of a server.
    """
    text = url.strip()
    if "://" not in text:
        text = f"http://{text}" if _is_local(text) else f"https://{text}"
    text = text.rstrip("/")
    if not _is_server(text):
        message = f"{url!r} is not the URL of a server, such as https://pinakes.example.org."
        raise NotConnected(message, code="not_connected", field="url")
    return text


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_local(address: str) -> bool:
    host = address.split("/", 1)[0].rsplit(":", 1)[0]
    return host in {"localhost", "127.0.0.1", "[::1]"}
