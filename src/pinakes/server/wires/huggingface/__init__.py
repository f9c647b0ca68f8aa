"""The Hugging Face wire: what `huggingface_hub` and `hf` call, for collections and the things that they hold.

Each route answers as the Hub does; contracts and limits are told in `docs/guides/huggingface.md`.
"""

from __future__ import annotations

from fastapi import FastAPI

from pinakes.server.wires.huggingface import accounts, collections, oauth, papers, repos
from pinakes.server.wires.huggingface.errors import unanswered

__all__ = ["PREFIX", "install", "unanswered"]

# Most of the Hub's API is below this; its few other paths are routes of their own.
PREFIX = "/api/"

# Routes are tried one after the other, so the busiest come first.
ROUTERS = (collections.router, repos.router, accounts.router, papers.router, oauth.router)


def install(app: FastAPI) -> None:
    """Add this wire's routes to the application."""
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
