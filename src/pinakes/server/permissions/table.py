"""Permissions: what there is to do, which role may do it, which credential carries it. The one place that says so."""

from __future__ import annotations

from enum import StrEnum

from pinakes.server.actor import Role, Scope


class Permission(StrEnum):
    """Everything that somebody may be allowed to do, as `noun:verb`."""

    ITEM_READ = "item:read"
    ITEM_CREATE = "item:create"
    ITEM_UPDATE = "item:update"
    ITEM_MOVE = "item:move"
    ITEM_DELETE = "item:delete"
    ITEM_VOTE = "item:vote"

    COLLECTION_READ = "collection:read"
    COLLECTION_CREATE = "collection:create"
    COLLECTION_CURATE = "collection:curate"
    COLLECTION_UPDATE = "collection:update"
    COLLECTION_DELETE = "collection:delete"
    COLLECTION_RESTORE = "collection:restore"
    COLLECTION_TRANSFER = "collection:transfer"
    COLLECTION_PURGE = "collection:purge"
    COLLECTION_VOTE = "collection:vote"

    PROJECT_WRITE = "project:write"
    PROJECT_DELETE = "project:delete"
    LABEL_WRITE = "label:write"
    QUEUE_MANAGE = "queue:manage"
    VERSION_DOWNLOAD = "version:download"
    REGISTRY_CREATE = "registry:create"
    REGISTRY_MANAGE = "registry:manage"

    ORGANIZATION_READ = "organization:read"
    ORGANIZATION_MANAGE = "organization:manage"
    TOKEN_MANAGE = "token:manage"  # noqa: S105 - the name of a permission
    SERVER_MANAGE = "server:manage"


_P = Permission

# What a restricted viewer of a registry may do: see its cards, versions and aliases, but not the files behind them.
LOOKING = frozenset({_P.ITEM_READ, _P.COLLECTION_READ, _P.ORGANIZATION_READ})

READING = LOOKING | {_P.VERSION_DOWNLOAD}

# What anybody may do with what is public, signed in or not.
PUBLIC = frozenset({_P.ITEM_READ, _P.COLLECTION_READ, _P.VERSION_DOWNLOAD})

# What anybody who signed in may do with what he can read.
SIGNED_IN = frozenset({_P.ITEM_VOTE, _P.COLLECTION_VOTE})

# What a role on an account allows with everything that the account owns. The Hub lets every member of an organization
# curate its collections, and one that was deleted can be brought back. Deleting items, for which there is no trash,
# giving things away, and forgetting them for good stay with its admins. A manager reads all, labels, hands out work.
_MANAGER = READING | {_P.LABEL_WRITE, _P.QUEUE_MANAGE}
_MEMBER = _MANAGER | {
    _P.ITEM_CREATE,
    _P.ITEM_UPDATE,
    _P.COLLECTION_CREATE,
    _P.COLLECTION_CURATE,
    _P.COLLECTION_UPDATE,
    _P.COLLECTION_DELETE,
    _P.COLLECTION_RESTORE,
    # Teams log runs and versions into their projects and tidy them up; every member of an organization may open a
    # registry.
    _P.PROJECT_WRITE,
    _P.REGISTRY_CREATE,
}
_ADMIN = _MEMBER | {
    _P.ITEM_MOVE,
    _P.ITEM_DELETE,
    _P.COLLECTION_TRANSFER,
    _P.COLLECTION_PURGE,
    _P.PROJECT_DELETE,
    _P.REGISTRY_MANAGE,
    _P.ORGANIZATION_MANAGE,
}
ROLES: dict[Role, frozenset[Permission]] = {
    # Who annotates or reviews sees the items of his jobs, and nothing else: the room of labeling lets him at them.
    Role.ANNOTATOR: frozenset(),
    Role.REVIEWER: frozenset(),
    Role.RESTRICTED_VIEWER: LOOKING,
    Role.VIEWER: READING,
    Role.MANAGER: frozenset(_MANAGER),
    Role.MEMBER: frozenset(_MEMBER),
    Role.ADMIN: frozenset(_ADMIN),
    Role.OWNER: frozenset(_ADMIN | {_P.TOKEN_MANAGE}),
}

# What a credential's scope carries, whatever its user may do.
SCOPES: dict[Scope, frozenset[Permission]] = {
    Scope.READ: READING,
    Scope.WRITE: frozenset(_ADMIN) - {_P.ORGANIZATION_MANAGE} | SIGNED_IN,
    Scope.ADMIN: frozenset(_P),
}


def roles_with(permission: Permission) -> frozenset[Role]:
    """Return the roles that allow something."""
    return frozenset(role for role, allowed in ROLES.items() if permission in allowed)
