"""Changes of runs."""

from __future__ import annotations

import strawberry

from pinakes.server.artifacts import runs as rooms
from pinakes.server.artifacts.run_types import Alert, RunForm
from pinakes.server.errors import Invalid
from pinakes.server.wires.wandb import ids
from pinakes.server.wires.wandb.context import Info
from pinakes.server.wires.wandb.inputs.runs import (
    CreateRunFilesInput,
    DeleteFilesInput,
    DeleteRunInput,
    MarkRunFilesUploadedInput,
    NotifyScriptableRunAlertInput,
    RewindRunInput,
    StopRunInput,
    UpdateRunStateInput,
    UpsertBucketInput,
)
from pinakes.server.wires.wandb.types import files, runs
from pinakes.server.wires.wandb.types.payloads import (
    CreateRunFilesPayload,
    DeleteRunPayload,
    RewindRunPayload,
    SuccessPayload,
    UpsertBucketPayload,
)

# With this header (`mode="shared"`) several processes write one run, and each counts its lines and steps by itself.
SHARED = "x-wandb-use-async-filestream"


@strawberry.type
class RunsMutations:
    """Changes of runs."""

    @strawberry.mutation
    async def upsert_bucket(self, info: Info, given: UpsertBucketInput) -> UpsertBucketPayload | None:
        """Begin a run, or change one."""
        ctx = info.context
        if ctx.request.headers.get(SHARED) == "true":
            message = "This server does not offer shared mode: each process begins a run of its own, in one group."
            raise Invalid(message)
        row, inserted = await rooms.upsert(ctx.tx, ctx.actor, form_of(given))
        return UpsertBucketPayload(bucket=runs.run_of(row), inserted=inserted)

    @strawberry.mutation
    async def create_run_files(self, info: Info, given: CreateRunFilesInput) -> CreateRunFilesPayload | None:
        """Say where to send files of a run: as many answers as names, in their order."""
        ctx = info.context
        run, names = await rooms.files_wanted(
            ctx.tx, ctx.actor, given.entity_name, given.project_name, given.run_name, given.files
        )
        return CreateRunFilesPayload(
            run_id=ids.write("Run", run.id),
            upload_headers=[],
            files=[files.file_to_come(ctx, run, number, name) for number, name in enumerate(names)],
        )

    @strawberry.mutation
    async def mark_run_files_uploaded(self, info: Info, given: MarkRunFilesUploadedInput) -> SuccessPayload | None:
        """Take note of files that a run has sent: they were written down when they arrived."""
        ctx = info.context
        await rooms.files_wanted(ctx.tx, ctx.actor, given.entity_name, given.project_name, given.run_name, given.files)
        return _done()

    @strawberry.mutation
    async def update_run_state(self, info: Info, given: UpdateRunStateInput) -> SuccessPayload | None:
        """Give a run another state."""
        ctx = info.context
        await rooms.set_state(ctx.tx, ctx.actor, ids.need(given.id, "id", "Run"), given.state)
        return _done()

    @strawberry.mutation
    async def delete_run(self, info: Info, given: DeleteRunInput) -> DeleteRunPayload | None:
        """Delete a run."""
        ctx, run_id = info.context, ids.need(given.id, "id", "Run")
        await rooms.delete(ctx.tx, ctx.actor, run_id, artifacts=bool(given.delete_artifacts))
        return DeleteRunPayload(client_mutation_id=None)

    @strawberry.mutation
    async def stop_run(self, info: Info, given: StopRunInput) -> SuccessPayload | None:
        """Ask a run to stop; nothing happens to one that has ended."""
        ctx = info.context
        await rooms.stop(ctx.tx, ctx.actor, ids.need(given.id, "id", "Run"))
        return _done()

    @strawberry.mutation
    async def delete_files(self, info: Info, given: DeleteFilesInput) -> SuccessPayload | None:
        """Delete files of runs."""
        ctx = info.context
        await rooms.delete_files(ctx.tx, ctx.actor, [ids.need(each, "files", "RunFile") for each in given.files])
        return _done()

    @strawberry.mutation
    async def rewind_run(self, info: Info, given: RewindRunInput) -> RewindRunPayload | None:  # noqa: ARG002
        """Take a run back to an earlier step; this server can not."""
        message = "This server does not rewind runs: what a run has logged stays. Begin a new run, or resume this one."
        raise Invalid(message)

    @strawberry.mutation
    async def notify_scriptable_run_alert(
        self, info: Info, given: NotifyScriptableRunAlertInput
    ) -> SuccessPayload | None:
        """Take note of a message of a run: an event tells of it, each time anew."""
        ctx = info.context
        severity = given.severity.value.lower() if given.severity is not None else "info"
        alert = Alert(given.title, given.text, severity)
        await rooms.alert(ctx.tx, ctx.actor, given.entity_name, given.project_name, given.run_name, alert)
        return _done()


def form_of(given: UpsertBucketInput) -> RunForm:
    """Read what is said of a run.

    Who edits one sends its id alone. A program that resumes one sends its names as well: by these it lives again.
    """
    return RunForm(
        id=ids.need(given.id, "id", "Run") if given.id and not given.name else None,
        owner=given.entity_name or None,
        project=given.model_name or None,
        name=given.name or None,
        display_name=given.display_name,
        group_name=given.group_name,
        job_type=given.job_type,
        description=given.description,
        notes=given.notes,
        commit=given.commit,
        host=given.host,
        program=given.job_program,
        repo=given.job_repo,
        sweep=given.sweep,
        tags=given.tags,
        config=given.config,
        summary=given.summary_metrics,
        state=given.state,
    )


def _done() -> SuccessPayload:
    return SuccessPayload(success=True, client_mutation_id=None)
