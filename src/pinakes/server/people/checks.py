"""What people may be called, and how their input has to look; every refusal names the field."""

from __future__ import annotations

import re
import unicodedata

from pinakes.server.errors import Invalid

# Names that are, or may become, the first part of a path of ours, of the Hub's, W&B's or Supervisely's: an account
# of that name would be shadowed by the page, or shadow it.
RESERVED = frozenset(
    {
        "about",
        "accounts",
        "api",
        "artifacts",
        "artifactsv2",
        "assets",
        "auth",
        "billing",
        "blog",
        "buckets",
        "collections",
        "datasets",
        "device",
        "devices",
        "docs",
        "downloads",
        "enterprise",
        "events",
        "explore",
        "export",
        "favicon.ico",
        "feed",
        "files",
        "graphql",
        "healthz",
        "help",
        "import",
        "import-storage",
        "inference",
        "join",
        "kernels",
        "labeling",
        "login",
        "logout",
        "me",
        "metrics",
        "models",
        "new",
        "notifications",
        "oauth",
        "oidc",
        "openapi.json",
        "organizations",
        "orgs",
        "papers",
        "permissions",
        "previews",
        "pricing",
        "privacy",
        "projects",
        "public",
        "queues",
        "readyz",
        "registries",
        "repos",
        "resolve",
        "robots.txt",
        "runs",
        "search",
        "security",
        "sessions",
        "settings",
        "signin",
        "signout",
        "signup",
        "sitemap.xml",
        "spaces",
        "static",
        "storage",
        "tasks",
        "teams",
        "terms",
        "tokens",
        "uploads",
        "users",
        "v1",
        "v2",
        "v3",
        "wandb",
        "webhooks",
        "well-known",
        "whoami",
        "whoami-v2",
    }
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_EMAIL = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,190}")
_KEY = re.compile(r"[!-~]+")

LONGEST_TEXT = 200
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
SHORTEST_KEY = 20
LONGEST_KEY = 512


def is_name(name: str) -> bool:
    """Tell whether an account could have that name at all; what could not is not worth a query."""
    return _NAME.fullmatch(name) is not None


def new_name(name: str, field: str = "name") -> str:
    """Return a name for a new account.

    Raises:
        Invalid: it is not well-formed, or reserved.
    """
    if not is_name(name):
        message = "A name has 1 to 96 letters, digits, '.', '_' or '-', and begins with a letter or digit."
        raise Invalid(message, field=field)
    if name.lower() in RESERVED:
        message = f"The name {name!r} is reserved; choose another."
        raise Invalid(message, field=field)
    return name


def is_plain(text: str) -> bool:
    """Tell whether the database could hold a text at all; what it could not is nobody's name."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def line(text: str, field: str, longest: int = LONGEST_TEXT) -> str:
    """Return a line of text for people to read, without blanks around it.

    Raises:
        Invalid: it is too long, or has control characters or lone surrogates.
    """
    text = text.strip()
    if len(text) > longest:
        message = f"At most {longest} characters, not {len(text)}."
        raise Invalid(message, field=field)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        message = "No line breaks, control characters or broken Unicode, please."
        raise Invalid(message, field=field)
    return text


def email(text: str) -> str:
    """Return an email address.

    Raises:
        Invalid: it does not look like one.
    """
    text = line(text, "email", 254)
    if not _EMAIL.fullmatch(text):
        message = "An email address looks like name@example.org."
        raise Invalid(message, field="email")
    return text


def password(text: str, field: str = "password") -> str:
    """Return a password for an account.

    Raises:
        Invalid: it is too short, too long or not Unicode.
    """
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        message = f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        raise Invalid(message, field=field)
    if any(unicodedata.category(character) == "Cs" for character in text):
        message = "The password is not valid Unicode."
        raise Invalid(message, field=field)
    return text


def key(text: str, field: str = "value") -> str:
    """Return a token value that somebody brings from elsewhere.

    Raises:
        Invalid: it is too short to be safe, or could not travel in a header.
    """
    if not SHORTEST_KEY <= len(text) <= LONGEST_KEY:
        message = f"A token that you choose has {SHORTEST_KEY} to {LONGEST_KEY} characters."
        raise Invalid(message, field=field)
    if not _KEY.fullmatch(text):
        message = "A token has only printable ASCII characters and no spaces."
        raise Invalid(message, field=field)
    if text.startswith("api_org"):
        message = "A token can't begin with 'api_org': the Hub's client refuses such ones."
        raise Invalid(message, field=field)
    return text
