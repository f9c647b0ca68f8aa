"""What is given to change runs."""

from __future__ import annotations

import strawberry

from pinakes.server.wires.wandb.enums import AlertSeverity
from pinakes.server.wires.wandb.scalars import Duration, JSONString


@strawberry.input
class UpsertBucketInput:
    """A run to begin, or what changed in it; null leaves a value as it is."""

    id: str | None = None
    name: str | None = None
    group_name: str | None = None
    model_name: str | None = None
    entity_name: str | None = None
    description: str | None = None
    display_name: str | None = None
    notes: str | None = None
    config: JSONString | None = None
    commit: str | None = None
    host: str | None = None
    debug: bool | None = None
    job_program: str | None = None
    job_repo: str | None = None
    job_type: str | None = None
    state: str | None = None
    sweep: str | None = None
    tags: list[str] | None = None
    summary_metrics: JSONString | None = None
    client_mutation_id: str | None = None


@strawberry.input
class CreateRunFilesInput:
    """Names of files that a run wants to send."""

    entity_name: str
    project_name: str
    run_name: str
    files: list[str]
    client_mutation_id: str | None = None


@strawberry.input
class MarkRunFilesUploadedInput:
    """Names of files that a run has sent."""

    entity_name: str
    project_name: str
    run_name: str
    files: list[str]


@strawberry.input
class UpdateRunStateInput:
    """A run and its new state."""

    id: strawberry.ID
    state: str


@strawberry.input
class DeleteRunInput:
    """A run to delete."""

    id: strawberry.ID
    delete_artifacts: bool | None = None


@strawberry.input
class StopRunInput:
    """A run to stop."""

    id: strawberry.ID


@strawberry.input
class DeleteFilesInput:
    """Files of runs to delete."""

    files: list[strawberry.ID]
    project_id: int | None = None


@strawberry.input
class RewindRunInput:
    """A run to take back to an earlier step."""

    run_name: str
    entity_name: str | None = None
    project_name: str | None = None
    metric_name: str
    metric_value: float


@strawberry.input
class NotifyScriptableRunAlertInput:
    """A message that a run wants to be passed on."""

    entity_name: str
    project_name: str
    run_name: str
    title: str
    text: str
    severity: AlertSeverity | None = None
    wait_duration: Duration | None = None
