"""The settings: every one is an environment variable `PINAKES_<NAME>` with a default and one line that explains it.

`docs/reference/settings.md` is generated from `Settings.describe()`, and a test holds the page against this file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

PREFIX = "PINAKES_"

# Where the processes of one server share their counts; prometheus-client reads it when it is imported.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

# The client's own variables: they share the prefix, and the server has no business with them.
CLIENT_VARIABLES = frozenset({"PINAKES_URL", "PINAKES_TOKEN", "PINAKES_OUTPUT"})

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(
    r"(?P<times>[1-9][0-9]{0,8})\s*(?:/|per)\s*(?P<many>[1-9][0-9]{0,3})?\s*(?P<unit>second|minute|hour|day)s?"
)

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "json", "console"]


class CannotStart(Exception):
    """A reason not to start, in words for the operator; the command line shows it without a traceback."""


def default_data_dir() -> Path:
    """Return where data is kept when nobody says: a folder that every user of the system may pass through, for root."""
    if os.name == "posix" and os.geteuid() == 0:
        return Path("/var/lib/pinakes")
    return Path.home() / ".local" / "share" / "pinakes"


def _setting(default: object, about: str, *, secret: bool = False, shown: str | None = None) -> Any:  # noqa: ANN401 - as `field`
    """Declare one setting; `shown` is the default as the documentation puts it, where the value says too little."""
    metadata = {"about": about, "secret": secret, "shown": shown}
    if callable(default):
        return field(default_factory=cast("Any", default), metadata=metadata)
    return field(default=cast("Any", default), metadata=metadata)


@dataclass(frozen=True, slots=True)
class Description:
    """One row of the settings table."""

    variable: str
    kind: str
    default: str
    about: str
    secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decides."""

    database_url: str | None = _setting(
        None,
        "The PostgreSQL (15 or later) to use, as a `postgresql://` URL.",
        secret=True,
        shown="a private PostgreSQL in the data folder",
    )
    data_dir: Path = _setting(
        default_data_dir,
        "The data folder: the private PostgreSQL, local blobs, the administrator's first token.",
        shown="`~/.local/share/pinakes`; as root `/var/lib/pinakes`",
    )
    blobs_url: str | None = _setting(
        None,
        "Where files are kept: `file:///…`, `s3://bucket/prefix`, `gs://…` or `az://…`.",
        shown="`blobs` in the data folder",
    )
    external_url: str | None = _setting(
        None,
        "The address that people and clients use, when it differs from the one that the server listens on.",
        shown="`http://HOST:PORT`",
    )
    admin_token: str | None = _setting(
        None,
        "The token of the administrator `admin`, taken on the first start.",
        secret=True,
        shown="generated, printed once and kept in `admin-token` in the data folder",
    )
    host: str = _setting("127.0.0.1", "The address to listen on; `0.0.0.0` for every interface.")
    port: int = _setting(8080, "The port to listen on.")
    workers: int = _setting(2, "How many server processes answer requests.")
    task_concurrency: int = _setting(
        4, "How many background jobs the task process runs at once; 0 runs none here (use `pinakes work` elsewhere)."
    )
    stop_grace: int = _setting(
        30,
        "How many seconds requests that run may go on when the server is told to stop; in the last five, what would "
        "not end in time is undone, and its client told to try again.",
    )
    log_level: LogLevel = _setting("info", "The least severe message that is logged.")
    log_format: LogFormat = _setting(
        "auto", "How a line of the log looks; `auto` is `console` on a terminal and `json` elsewhere."
    )
    access_log: bool = _setting(default=True, about="Whether every request is logged.")
    metrics: bool = _setting(default=True, about="Whether `/metrics` answers.")
    database_pool_size: int = _setting(10, "The most database connections that one server process keeps.")
    statement_seconds: int = _setting(
        60,
        "How many seconds one statement of a request may take in the database, of which it may wait half for somebody "
        "else's change; 0 for no limit. Changes of much at once have ten minutes, background work has no limit.",
    )
    max_body_bytes: int = _setting(
        200_000_000, "The largest body that is streamed: the lines of bulk calls and imports, of runs."
    )
    # The annotations of 50 images with their masks, or a million scored ids, which `supervisely` sends at once, fit in.
    max_json_bytes: int = _setting(
        50_000_000, "The largest body that is read whole: JSON or a form, on any path and of any type."
    )
    max_upload_bytes: int = _setting(100_000_000_000, "The largest file that is taken.")
    upload_address_hours: int = _setting(24, "How many hours the address of an upload can be used.")
    download_address_minutes: int = _setting(60, "How many minutes the address of a download can be used.")
    trash_days: int = _setting(30, "How many days a deleted collection can be brought back.")
    session_days: int = _setting(30, "How many days a session of the web app lasts without being used.")
    webhook_private_addresses: bool = _setting(
        default=False,
        about="Whether webhooks may be sent to this machine and into its private networks, and items of media may "
        "link there.",
    )
    signin_limit: str = _setting(
        "10/minute",
        "How often one address may try to sign in to one account, counted over all server processes: so often in a "
        "second, minute, hour or day, or in some of them (`10/5 minutes`).",
    )
    signin_limit_address: str = _setting(
        "100/hour", "How often one address may try to sign in at all, counted over all server processes."
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; an empty variable counts as unset. A value that can't be read is a reason not to start."""
        environ = os.environ if environ is None else environ
        hints = get_type_hints(cls)
        given = {f.name: environ.get(variable(f.name), "") for f in fields(cls)}
        return cls(**{name: _read(variable(name), raw, hints[name]) for name, raw in given.items() if raw})

    def __post_init__(self) -> None:
        """Refuse numbers that can't be meant."""
        least = {"port": 0, "task_concurrency": 0, "statement_seconds": 0}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, int) and not isinstance(value, bool) and value < least.get(f.name, 1):
                message = f"{variable(f.name)} must be at least {least.get(f.name, 1)}, not {value}."
                raise CannotStart(message)
        for name in ("signin_limit", "signin_limit_address"):
            if not rates(getattr(self, name)):
                message = f"{variable(name)} must be a rate such as 10/minute, not {getattr(self, name)!r}."
                raise CannotStart(message)

    def to_environment(self) -> dict[str, str]:
        """Return the variables that make these settings again, for the processes that `serve` starts."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {variable(name): _write(value) for name, value in values.items() if value is not None}

    @property
    def public_url(self) -> str:
        """The address to put into links, without a slash at its end."""
        if self.external_url:
            return self.external_url.rstrip("/")
        host = "localhost" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def blobs_location(self) -> str:
        """The URL of the blob store; a folder of the data folder unless another is set."""
        return self.blobs_url or (self.data_dir.absolute() / "blobs").as_uri()

    @property
    def metrics_dir(self) -> Path:
        """Where the server processes share their counts; emptied at every start."""
        return self.data_dir / "metrics"

    @staticmethod
    def describe() -> list[Description]:
        """Describe every setting, in order."""
        hints = get_type_hints(Settings)
        return [
            Description(
                variable(f.name),
                _kind(hints[f.name]),
                cast("str | None", f.metadata["shown"]) or f"`{'' if f.default is MISSING else _write(f.default)}`",
                cast("str", f.metadata["about"]),
                cast("bool", f.metadata["secret"]),
            )
            for f in fields(Settings)
        ]


@dataclass(frozen=True, slots=True)
class Rate:
    """So many times in so many seconds."""

    times: int
    seconds: int


@cache
def rates(text: str) -> tuple[Rate, ...]:
    """Read rates, such as "10/minute" or "10/minute, 30 per 2 hours", all of which hold; none where it is nonsense."""
    found = [_RATE.fullmatch(part.strip()) for part in re.split("[,;|]", text)]
    if not all(found):
        return ()
    return tuple(Rate(int(m["times"]), int(m["many"] or 1) * _SECONDS[m["unit"]]) for m in found if m)


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def unknown(environ: Mapping[str, str]) -> list[str]:
    """List the variables with our prefix that no setting reads: misspelled ones, most likely."""
    known = {variable(f.name) for f in fields(Settings)} | CLIENT_VARIABLES
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def _read(name: str, raw: str, hint: object) -> Any:  # noqa: ANN401 - the hint says it
    """Turn the text of a variable into the type of its setting."""
    wanted = _bare(hint)
    if wanted is bool:
        return _read_bool(name, raw)
    if wanted is int:
        return _read_int(name, raw)
    if wanted is Path:
        return Path(raw).expanduser()
    if get_origin(wanted) is Literal and raw not in get_args(wanted):
        message = f"{name} must be one of {', '.join(get_args(wanted))}, not {raw!r}."
        raise CannotStart(message)
    return raw


def _read_bool(name: str, raw: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if raw.lower() not in words:
        message = f"{name} must be true or false, not {raw!r}."
        raise CannotStart(message)
    return words[raw.lower()]


def _read_int(name: str, raw: str) -> int:
    try:
        return int(raw)
    except ValueError:
        message = f"{name} must be a whole number, not {raw!r}."
        raise CannotStart(message) from None


def _write(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bare(hint: object) -> object:
    """Strip `| None` from a type."""
    options = [option for option in get_args(hint) if option is not type(None)]
    return options[0] if len(options) == 1 and get_origin(hint) is not Literal else hint


def _kind(hint: object) -> str:
    wanted = _bare(hint)
    if get_origin(wanted) is Literal:
        return " or ".join(f"`{option}`" for option in get_args(wanted))
    return {str: "text", int: "number", bool: "true or false", Path: "folder"}[cast("type", wanted)]
