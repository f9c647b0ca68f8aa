"""What the matrix of labeling is about: projects of images in which people label and review, and those people.

A floor is one project: of an organization, private or public, or of a user. Its dataset `train` has three images: one
that the annotator's job holds, one that his colleague handed in and the reviewer has in review, one that waits in the
pool; its dataset `attic` has one that no queue knows. Each thing has a name that nothing else has, so that it can be
looked for in whatever is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from factories.media import make_shelf
from factories.people import Person, join, make_organization, make_user, sign_in, unique
from factories.queues import sql
from factories.state import store_for
from pinakes.server.actor import Role, Scope
from pinakes.server.catalog import media_projects
from pinakes.server.catalog.media_types import MediaProjectChanges
from pinakes.server.collections import selections
from pinakes.server.db import Database
from pinakes.server.labeling import annotations as labels, claiming, meta, queues
from pinakes.server.labeling.label_types import NewAnnotation, NewClass, NewLabel, NewTag, NewTagging
from pinakes.server.labeling.queue_types import NewQueue
from pinakes.server.people.types import Account
from pinakes.server.settings import Settings

BOX: Mapping[str, object] = {"points": {"exterior": [[1, 1], [5, 4]], "interior": []}}
# No row has a number from here on.
NOWHERE = 2_000_000_000

ROLES = {
    "idle annotator": Role.ANNOTATOR,
    "annotator": Role.ANNOTATOR,
    "colleague": Role.ANNOTATOR,
    "reviewer": Role.REVIEWER,
    "restricted viewer": Role.RESTRICTED_VIEWER,
    "viewer": Role.VIEWER,
    "manager": Role.MANAGER,
    "member": Role.MEMBER,
    "admin": Role.ADMIN,
}
# Tokens that carry less than their people may: whose, of which scope, and what they are bound to.
TOKENS: Mapping[str, tuple[str, Scope, str | None]] = {
    "annotator, reading": ("annotator", Scope.READ, None),
    "annotator, bound here": ("annotator", Scope.WRITE, "here"),
    "annotator, bound elsewhere": ("annotator", Scope.ADMIN, "elsewhere"),
    "manager, reading": ("manager", Scope.READ, None),
    "manager, writing": ("manager", Scope.WRITE, None),
    "boss, bound here": ("boss", Scope.ADMIN, "here"),
    "boss, bound elsewhere": ("boss", Scope.ADMIN, "elsewhere"),
}


@dataclass(frozen=True)
class Things:
    """The numbers of what there is; `held`, `reviewed`, `waiting` and `stored` are images, each with a figure."""

    account: int
    workspace: int
    project: int
    train: int
    attic: int
    held: int
    reviewed: int
    waiting: int
    stored: int
    held_figure: int
    reviewed_figure: int
    waiting_figure: int
    class_id: int
    tag_id: int
    selection: int
    queue: int
    annotators_job: int
    colleagues_job: int
    reviewers_job: int

    def gone(self) -> Things:
        """Numbers of the same that nothing has."""
        return Things(*(NOWHERE + place for place, _ in enumerate(fields(self))))


@dataclass(frozen=True)
class Floor:
    """One project with its work, and the people around it.

    Attributes:
        names: What each thing is called, by what it is; nothing else is called so.
        hashes: The files of the images, by which.
        public_id: The selection's address in the native API.
    """

    db: Database
    visibility: str
    account: Account
    boss: Person
    people: dict[str, Person]
    things: Things
    names: dict[str, str]
    hashes: dict[str, bytes]
    public_id: str
    since: str

    async def as_it_was(self) -> None:
        """Put the work back where it was before an attempt succeeded."""
        at = self.things
        annotator, colleague, reviewer = (self.people[name].id for name in ("annotator", "colleague", "reviewer"))
        async with self.db.transaction() as tx:
            await sql(
                tx,
                "update work set status = 'held', job_id = %s, labeler_id = %s, lease_until = now() + interval '1 day',"
                " review_job_id = null, reviewer_id = null, present = true where queue_id = %s and item_id = %s",
                at.annotators_job, annotator, at.queue, at.held,
            )  # fmt: skip
            await sql(
                tx,
                "update work set status = 'done', job_id = %s, labeler_id = %s, lease_until = null, review_job_id = %s,"
                " reviewer_id = %s, review_until = now() + interval '1 day' where queue_id = %s and item_id = %s",
                at.colleagues_job, colleague, at.reviewers_job, reviewer, at.queue, at.reviewed,
            )  # fmt: skip
            await sql(tx, "delete from work where queue_id = %s and item_id = %s", at.queue, at.waiting)
            await sql(tx, "update queues set status = 'in_progress' where id = %s", at.queue)
            await sql(tx, "update jobs set status = 'in_progress', archived_at = null where queue_id = %s", at.queue)

    async def spare_image(self) -> int:
        """Make an image that an attempt may remove."""
        from pinakes.server.catalog import media
        from pinakes.server.catalog.media_types import NewMedia

        async with self.db.transaction() as tx:
            new = NewMedia(f"{unique('spare')}.png", link="https://example.org/a.png")
            return (await media.add(tx, self.boss.actor, self.things.attic, [new]))[0].id

    async def spare_queue(self) -> int:
        """Make a queue without people that an attempt may remove."""
        async with self.db.transaction() as tx:
            return (
                await queues.create(tx, self.boss.actor, NewQueue(unique("spare"), dataset_id=self.things.attic))
            ).id


async def make_floor(db: Database, visibility: str, *, of_user: bool = False) -> Floor:
    """Make a project, the people around it, and the work in it."""
    boss = await make_user(db, "boss")
    account = boss.account if of_user else await make_organization(db, boss, "studio")
    elsewhere = await make_organization(db, boss, "elsewhere")
    people = {"boss": boss}
    for name, role in ROLES.items():
        people[name] = await make_user(db, name.replace(" ", "-"))
        await _join(db, account, people[name], role)
        await join(db, elsewhere, people[name], Role.ADMIN)
    for name, (whose, scope, bound) in TOKENS.items():
        namespace = None if bound is None else account.name if bound == "here" else elsewhere.name
        people[name] = await sign_in(db, people[whose].account, scope=scope, namespace=namespace)
    people = {name: await _again(db, person, name) for name, person in people.items()}
    people["stranger"] = await make_user(db, "stranger")
    people["server admin"] = await make_user(db, "server-admin", admin=True)
    return await _furnished(db, visibility, account, people)


async def _again(db: Database, person: Person, name: str) -> Person:
    """The person with the roles that he holds by now."""
    from factories.people import again

    return await again(db, person) if name not in TOKENS else person


async def _join(db: Database, account: Account, person: Person, role: Role) -> None:
    """Give somebody a role, also one that is given in registries only."""
    if role is not Role.RESTRICTED_VIEWER:
        await join(db, account, person, role)
        return
    async with db.transaction() as tx:
        await sql(
            tx, "insert into memberships (user_id, account_id, role) values (%s, %s, %s)",
            person.id, account.id, role.value,
        )  # fmt: skip


async def _furnished(db: Database, visibility: str, account: Account, people: dict[str, Person]) -> Floor:
    """Make the project and all that is in it."""
    boss = people["boss"].actor
    blobs = store_for(Settings(external_url="http://pinakes.test", access_log=False))
    shelf = await make_shelf(db, blobs, boss, account_id=account.id)
    words = ("project", "train", "attic", "held", "reviewed", "waiting", "stored", "selection", "queue", "class")
    names = {word: unique(word) for word in words}
    async with db.transaction() as tx:
        project = shelf.project
        since = f"{await _now(tx)}.0"
        await media_projects.update(
            tx, boss, project.id, MediaProjectChanges(name=names["project"], visibility=visibility)
        )
        made = await meta.replace(tx, boss, project.id, [NewClass(names["class"], "rectangle")], [NewTag("seen")])
    train, attic = await shelf.folder(names["train"]), await shelf.folder(names["attic"])
    images = {}
    for at, (word, folder) in enumerate((("held", train), ("reviewed", train), ("waiting", train), ("stored", attic))):
        (images[word],) = await shelf.put(f"{names[word]}.png", dataset_id=folder.id, first=1000 + at)
    label = NewLabel("rectangle", BOX, class_name=names["class"])
    new = [NewAnnotation(one.id, [label], [NewTagging("seen")]) for one in images.values()]
    async with db.transaction() as tx:
        figures = [saved.figure_ids[0] for saved in await labels.put(tx, boss, new)]
        selection = await selections.create(tx, boss, project.id, names["selection"])
        await selections.add_items(tx, boss, selection.id, [(one.id, None) for one in images.values()])
        queue = await queues.create(
            tx,
            boss,
            NewQueue(
                names["queue"],
                dataset_id=train.id,
                labelers=[people["annotator"].id, people["colleague"].id],
                reviewers=[people["reviewer"].id],
            ),
        )
    jobs = {person.id: person.job_id for person in queue.people}
    job = {name: jobs[people[name].id] for name in ("annotator", "colleague", "reviewer")}
    async with db.transaction() as tx:
        await claiming.next_item(tx, people["annotator"].actor, job["annotator"])
    async with db.transaction() as tx:
        await claiming.next_item(tx, people["colleague"].actor, job["colleague"])
    async with db.transaction() as tx:
        await claiming.submit(tx, people["colleague"].actor, job["colleague"], [images["reviewed"].id])
    async with db.transaction() as tx:
        await claiming.next_item(tx, people["reviewer"].actor, job["reviewer"])
    things = Things(
        account=account.id,
        workspace=project.workspace_id,
        project=project.id,
        train=train.id,
        attic=attic.id,
        **{word: one.id for word, one in images.items()},
        held_figure=figures[0],
        reviewed_figure=figures[1],
        waiting_figure=figures[2],
        class_id=made.classes[0].id,
        tag_id=made.tags[0].id,
        selection=selection.id,
        queue=queue.id,
        annotators_job=job["annotator"],
        colleagues_job=job["colleague"],
        reviewers_job=job["reviewer"],
    )
    hashes = {word: one.sha256 or b"" for word, one in images.items()}
    return Floor(db, visibility, account, people["boss"], people, things, names, hashes, selection.public_id, since)


async def _now(tx: object) -> str:
    from pinakes.server.events import service as events

    return (await events.head(tx)).partition(".")[0]  # pyright: ignore[reportArgumentType]
