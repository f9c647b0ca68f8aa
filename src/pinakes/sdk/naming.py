"""How a caller names registries, projects, releases, artifacts and versions: by their names, by ids, by objects.

acme/Fine-tuned models             a registry of an organization
acme-vision/digits                 a project of a team or user
acme/Fine-tuned models/MNIST       a release
acme-vision/digits/classifier      an artifact
acme/Fine-tuned models/MNIST:v3    a version; `:production` by an alias, and without either its `latest`
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from pinakes.api.collections import Collection
from pinakes.api.releases import LinkedVersion, Numbered, Project, Promotion, Registry, Version
from pinakes.sdk.calls import segment
from pinakes.sdk.errors import Invalid

RegistryLike: TypeAlias = str | Registry
ProjectLike: TypeAlias = int | str | Project
NumberedLike: TypeAlias = str | Numbered | Collection
VersionLike: TypeAlias = int | str | Version | LinkedVersion
PromotionLike: TypeAlias = int | Promotion

LATEST = "latest"

_PARTS = 3


class Named(NamedTuple):
    """An artifact or release by names: the owner's or organization's, the project's or registry's, its own."""

    owner: str
    place: str
    name: str

    @property
    def path(self) -> str:
        """Where the API shows it."""
        return "/".join(["/named", *map(segment, self)])


def registry_path(registry: RegistryLike, *more: str) -> str:
    """Return the path of a registry, or of something below it.

    Raises:
        Invalid: The text is no `ORGANIZATION/REGISTRY`.
    """
    if isinstance(registry, Registry):
        organization, name = registry.organization, registry.name
    else:
        organization, name = registry_parts(registry)
    return "/".join(["/organizations", segment(organization), "registries", segment(name), *map(segment, more)])


def project_path(project: ProjectLike, *more: str) -> str:
    """Return the path of a project, or of something below it.

    A project by its number, or an object of one of media, is addressed by its number where that is all.

    Raises:
        Invalid: The text is no `OWNER/PROJECT`; or a number does not say where the runs and artifacts of a project are.
    """
    if not more and (not isinstance(project, Project) or project.data_type is not None):
        number = project_number(project)
        if number is not None:
            return f"/projects/{number}"
    if isinstance(project, Project):
        owner, name = project.owner, project.name
    elif isinstance(project, int):
        message = "Name the project as OWNER/PROJECT here, or give the object that a call answered with."
        raise Invalid(message, code="invalid", field="project")
    else:
        owner, name = project_parts(project)
    return "/".join(["/projects", segment(owner), segment(name), *map(segment, more)])


def project_number(project: ProjectLike) -> int | None:
    """Return the number of a project, as far as that can be told without asking the server."""
    if isinstance(project, Project):
        return project.id
    if isinstance(project, int):
        return project
    return int(project) if project.isascii() and project.isdigit() else None


def registry_parts(registry: str) -> tuple[str, str]:
    """Return a registry's organization and name.

    Raises:
        Invalid: The text is no `ORGANIZATION/REGISTRY`.
    """
    return _two(registry, "registry", "ORGANIZATION/REGISTRY, such as acme/Fine-tuned models")


def project_parts(project: str) -> tuple[str, str]:
    """Return a project's owner and name.

    Raises:
        Invalid: The text is no `OWNER/PROJECT`.
    """
    return _two(project, "project", "OWNER/PROJECT, such as acme-vision/digits")


def release_parts(release: str) -> tuple[str, str]:
    """Return a release's registry, as it is named, and its own name.

    Raises:
        Invalid: The text is no `ORGANIZATION/REGISTRY/RELEASE`.
    """
    return _place_and_name(release, "release", "ORGANIZATION/REGISTRY/RELEASE, such as acme/Fine-tuned models/MNIST")


def artifact_parts(artifact: str) -> tuple[str, str]:
    """Return an artifact's project, as it is named, and its own name.

    Raises:
        Invalid: The text is no `OWNER/PROJECT/ARTIFACT`.
    """
    return _place_and_name(artifact, "artifact", "OWNER/PROJECT/ARTIFACT, such as acme-vision/digits/classifier")


def named(text: str) -> Named | None:
    """Read `owner/place/name`; None for anything else, such as an id, a slug or a URL."""
    if "://" in text:
        return None
    parts = text.strip().split("/")
    return Named(*parts) if len(parts) == _PARTS and all(parts) else None


def split_alias(text: str) -> tuple[str, str]:
    """Read `address:alias`; without an alias, the `latest` is meant. Neither names nor aliases have a colon in them."""
    address, colon, alias = text.strip().rpartition(":")
    if not colon or "/" in alias:
        return text.strip(), LATEST
    return address, alias or LATEST


def version_id(version: VersionLike) -> int | None:
    """Return the number of a version on the server, as far as that can be told without asking it."""
    if isinstance(version, int):
        return version
    if isinstance(version, Version):
        return version.id
    if isinstance(version, LinkedVersion):
        return version.version.id
    return int(version) if version.isascii() and version.isdigit() else None


def promotion_id(promotion: PromotionLike) -> int:
    """Return a promotion's number."""
    return promotion if isinstance(promotion, int) else promotion.id


def _place_and_name(text: str, field: str, form: str) -> tuple[str, str]:
    names = named(text)
    if names is None:
        message = f"{text!r} names no {field}: write {form}."
        raise Invalid(message, code="invalid", field=field)
    return f"{names.owner}/{names.place}", names.name


def _two(text: str, field: str, form: str) -> tuple[str, str]:
    first, _, second = text.strip().partition("/")
    if not first or not second or "/" in second:
        message = f"{text!r} names no {field}: write {form}."
        raise Invalid(message, code="invalid", field=field)
    return first, second
