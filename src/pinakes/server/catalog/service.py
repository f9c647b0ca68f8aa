"""The catalog's verbs: everything that a collection can point at, found, made, changed and voted for."""

from __future__ import annotations

from pinakes.server.catalog.addresses import malformed
from pinakes.server.catalog.elsewhere import (
    create_bucket,
    create_reference,
    delete_bucket,
    delete_reference,
    get_bucket,
    get_reference,
    list_buckets,
    list_references,
    update_bucket,
    update_reference,
)
from pinakes.server.catalog.explaining import explain
from pinakes.server.catalog.lookup import get_item, hold_still, list_items, resolve, resolve_many
from pinakes.server.catalog.papers import corrects, delete_paper, get_paper, register_paper, search_papers, update_paper
from pinakes.server.catalog.repos import create_repo, delete_repo, get_repo, list_repos, move_repo, update_repo
from pinakes.server.catalog.votes import liked_by, set_vote, vote, vote_for_item, voters

__all__ = [
    "corrects",
    "create_bucket",
    "create_reference",
    "create_repo",
    "delete_bucket",
    "delete_paper",
    "delete_reference",
    "delete_repo",
    "explain",
    "get_bucket",
    "get_item",
    "get_paper",
    "get_reference",
    "get_repo",
    "hold_still",
    "liked_by",
    "list_buckets",
    "list_items",
    "list_references",
    "list_repos",
    "malformed",
    "move_repo",
    "register_paper",
    "resolve",
    "resolve_many",
    "search_papers",
    "set_vote",
    "update_bucket",
    "update_paper",
    "update_reference",
    "update_repo",
    "vote",
    "vote_for_item",
    "voters",
]
