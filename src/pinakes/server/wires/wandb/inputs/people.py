"""What is given to change teams, people and keys."""

from __future__ import annotations

import strawberry


@strawberry.input
class CreateTeamInput:
    """A team to make."""

    team_name: str
    team_admin_user_name: str | None = None


@strawberry.input
class CreateInviteInput:
    """Somebody to make a member of a team."""

    entity_name: str
    email: str | None = None
    username: str | None = None
    admin: bool | None = None


@strawberry.input
class DeleteInviteInput:
    """A member to take out of a team."""

    id: str | None = None
    entity_name: str | None = None


@strawberry.input
class CreateServiceAccountInput:
    """An account for programs."""

    entity_name: str
    description: str


@strawberry.input
class CreateUserInput:
    """A person to let in."""

    email: str
    admin: bool | None = None


@strawberry.input
class UpdateUserInput:
    """Changes of one's own account."""

    default_entity: str | None = None


@strawberry.input
class DeleteApiKeyInput:
    """A key to end."""

    id: str


@strawberry.input
class GenerateApiKeyInput:
    """A key to make."""

    description: str | None = None
