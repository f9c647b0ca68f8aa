"""Templates, text that people wrote, and the headers that keep a page from doing anything but being read."""

from __future__ import annotations

from functools import cache
from importlib import resources
from urllib.parse import urlsplit

import nh3
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

_PACKAGE = __name__.rpartition(".")[0]

STYLE_PATH = "/static/pages.css"

# No script at all, our own style, nobody's frame. The referrer stays within the site: with none at all, browsers would
# call the origin of our own forms `null`.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

_TAGS = {"p", "br", "em", "strong", "s", "code", "pre", "a", "ul", "ol", "li", "blockquote"}
_SCHEMES = {"http", "https", "mailto"}


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Render a template as an answer."""
    text = _environment().get_template(template).render(style=STYLE_PATH, **values)
    return HTMLResponse(text, status, headers=HEADERS)


async def style() -> Response:
    """Send the one style sheet."""
    return Response(_sheet(), media_type="text/css", headers={"Cache-Control": "max-age=300"})


def markdown(text: str) -> Markup:
    """Render what people wrote: emphasis, links, lists and code; never their HTML."""
    return Markup(nh3.clean(_parser().render(text), tags=_TAGS, attributes={"a": {"href"}}, url_schemes=_SCHEMES))  # noqa: S704 - nh3 has cleaned it


def web_link(url: str | None) -> str | None:
    """Return a link if following it only opens a page: no `javascript:`, no `data:`."""
    return url if url and urlsplit(url).scheme.lower() in {"http", "https"} else None


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("strikethrough")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["markdown"] = markdown
    return found


@cache
def _sheet() -> bytes:
    return resources.files(_PACKAGE).joinpath("static", "pages.css").read_bytes()
