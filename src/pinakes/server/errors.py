"""The error taxonomy: what can go wrong, once, for every wire.

A class has a stable `code` that clients may branch on and a docstring that is its default message. A wire maps the
*categories* (the direct children of `PinakesError`) to its own statuses and bodies; the codes ride along.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class PinakesError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(
        self, message: str | None = None, *, field: str | None = None, details: Mapping[str, object] | None = None
    ) -> None:
        """Say what happened.

        Args:
            message: One sentence for the person who reads it; the docstring of the class when left out.
            field: The input that was wrong, as the caller spelled it.
            details: Further facts that a client can use (the slug that exists already, the limit that was passed).
        """
        self.message: str = message or (type(self).__doc__ or "").strip()
        self.field: str | None = field
        self.details: dict[str, object] = dict(details or {})
        super().__init__(self.message)


class Unauthenticated(PinakesError):
    """Sign in, or send a valid token."""

    code = "unauthenticated"


class InvalidCredentials(Unauthenticated):
    """The token or password is not valid."""

    code = "invalid_credentials"


class Forbidden(PinakesError):
    """You may see this, but not change it."""

    code = "forbidden"


class ScopeTooNarrow(Forbidden):
    """This token's scope does not cover that."""

    code = "scope_too_narrow"


class AccessGated(Forbidden):
    """Access to this is restricted, and you are not in the authorized list."""

    code = "access_gated"


class AliasProtected(Forbidden):
    """That alias is protected: only the registry's admins set, move and remove it."""

    code = "alias_protected"


class ApprovalNeeded(Forbidden):
    """That alias is set by a promotion that enough of the registry's admins approve."""

    code = "approval_needed"


class NotFound(PinakesError):
    """It does not exist, or you may not see it."""

    code = "not_found"


class AccountNotFound(NotFound):
    """No such user, organization or team."""

    code = "account_not_found"


class CollectionNotFound(NotFound):
    """No such collection."""

    code = "collection_not_found"


class ItemNotFound(NotFound):
    """No such item."""

    code = "item_not_found"


class EntryNotFound(NotFound):
    """No such entry in this collection."""

    code = "entry_not_found"


class RevisionNotFound(NotFound):
    """No such revision of this collection."""

    code = "revision_not_found"


class RegistryNotFound(NotFound):
    """No such registry."""

    code = "registry_not_found"


class ProjectNotFound(NotFound):
    """No such project."""

    code = "project_not_found"


class RunNotFound(NotFound):
    """No such run."""

    code = "run_not_found"


class VersionNotFound(NotFound):
    """No such version."""

    code = "version_not_found"


class WorkspaceNotFound(NotFound):
    """No such workspace."""

    code = "workspace_not_found"


class DatasetNotFound(NotFound):
    """No such dataset."""

    code = "dataset_not_found"


class MediaNotFound(ItemNotFound):
    """No such image, video, point cloud or volume."""

    code = "media_not_found"


class LabelClassNotFound(NotFound):
    """No such class of labels."""

    code = "label_class_not_found"


class LabelTagNotFound(NotFound):
    """No such tag of labels."""

    code = "label_tag_not_found"


class LabelNotFound(NotFound):
    """No such figure, object, or tag on something."""

    code = "label_not_found"


class FileNotFound(NotFound):
    """No such file."""

    code = "file_not_found"


class PromotionNotFound(NotFound):
    """No such promotion."""

    code = "promotion_not_found"


class WebhookNotFound(NotFound):
    """No such webhook."""

    code = "webhook_not_found"


class Invalid(PinakesError):
    """The input is not valid."""

    code = "invalid"


class TypeNotAccepted(Invalid):
    """Versions of that type are not accepted there."""

    code = "type_not_accepted"


class DevicePending(Invalid):
    """Nobody has approved this device yet."""

    code = "authorization_pending"


class DeviceSlowDown(Invalid):
    """Asked again too soon; wait for the interval."""

    code = "slow_down"


class DeviceExpired(Invalid):
    """This device code is unknown, used up or expired; start again."""

    code = "expired_token"


class DeviceDenied(Invalid):
    """The request of this device was denied."""

    code = "access_denied"


class UnsupportedGrant(Invalid):
    """Tokens are given to devices only, by the device flow."""

    code = "unsupported_grant_type"


class Conflict(PinakesError):
    """It is in the way of something that exists already."""

    code = "conflict"


class NameTaken(Conflict):
    """That name is taken."""

    code = "name_taken"


class TitleTaken(Conflict):
    """The owner already has a collection with that title."""

    code = "title_taken"


class AlreadyInCollection(Conflict):
    """The item is in this collection already."""

    code = "already_in_collection"


class IdempotencyMismatch(Conflict):
    """This idempotency key was used for a different request."""

    code = "idempotency_mismatch"


class NothingToUndo(Conflict):
    """There is no change to undo."""

    code = "nothing_to_undo"


class LastAdministrator(Conflict):
    """The last administrator cannot go."""

    code = "last_administrator"


class RegistryHolds(Conflict):
    """A registry holds it, and lets nothing go that it holds."""

    code = "held_by_registry"


class HasAliases(Conflict):
    """The version has aliases: take them away first, or say that they shall go with it."""

    code = "has_aliases"


class PromotionDecided(Conflict):
    """That promotion is decided already."""

    code = "promotion_decided"


class CheckFailed(Conflict):
    """A check of the collection refuses this change."""

    code = "check_failed"


class PreconditionFailed(PinakesError):
    """It changed since you read it; read it again."""

    code = "precondition_failed"


class TooLarge(PinakesError):
    """The request is too large."""

    code = "too_large"


class TookTooLong(TooLarge):
    """This takes longer than a request may; ask for less at once."""

    # A kind of "too large" because that is final for every client. Answered with a 5xx it would be sent again and
    # again, by two of the clients silently and for minutes, and take as long each time.
    code = "took_too_long"


class TooManyRequests(PinakesError):
    """Too many requests; wait a little."""

    code = "too_many_requests"


class Unavailable(PinakesError):
    """The server can't answer just now; try again."""

    code = "unavailable"


class ShuttingDown(Unavailable):
    """The server is stopping; try again in a moment."""

    code = "shutting_down"


class QueueNotFound(NotFound):
    """There is no such labeling queue."""

    code = "queue_not_found"


class JobNotFound(NotFound):
    """There is no such labeling job."""

    code = "job_not_found"


class LeaseLost(Conflict):
    """The item is not yours to work on any more: the lease ran out, or somebody else has it."""

    code = "lease_lost"


class ItemLeftQueue(Invalid):
    """The item is not in the queue any more: it left what the queue is made of."""

    code = "item_left_queue"
