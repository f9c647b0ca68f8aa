"""The data of labeling's workloads: a project of pictures in two datasets, selections of them, and queues over one.

Made by SQL as well. The first dataset holds what is paged through and labeled at random, the other one what the queues
hand out; the selections that are moved in and compared hold both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

from bench.sizes import Sizes

ORGANIZATION = "bench-labels"
PROJECT = "road"
CLASS = "car"
CURATOR = "curator"
LABELERS = [f"labeler-{n:02}" for n in range(16)]
# What people's selections are called; the queues hand out what the last one holds.
PICKED = "picked "
QUEUED = "queued"
# In this one an item counts as handed in as soon as it is handed out, so that who asks again gets another.
HANDING_OUT, LOOP = "handing out", "the whole loop"

PEOPLE = """
insert into accounts (kind, name, display_name) values ('organization', %(organization)s, 'Labels');

insert into memberships (user_id, account_id, role)
select
    u.id, a.id,
    case when u.name = %(curator)s then 'member' when u.name = any(%(labelers)s) then 'annotator' else 'viewer' end
from accounts as u
cross join accounts as a
where u.name = any(array[%(curator)s, %(reader)s] || %(labelers)s) and a.name = %(organization)s;

with made as (
    insert into items (kind, owner_id, name, name_key, visibility)
    select 'project', a.id, %(project)s, %(project)s, 'private' from accounts as a where a.name = %(organization)s
    returning id
)
insert into projects (item_id, data_type) select id, 'images' from made;

insert into label_classes (project_id, name, shape, color)
select p.item_id, c.name, 'rectangle', '#FF8000'
from projects as p
cross join (values (%(class)s), ('tree')) as c (name)
where p.data_type is not null;

insert into datasets (project_id, name, item_count, size)
select p.item_id, d.name, d.count, d.count * 100000::bigint
from projects as p
cross join (values ('first', %(paged)s), ('rest', %(pictures)s - %(paged)s)) as d (name, count)
where p.data_type is not null;

insert into media_files (account_id, sha256, size, mime, facts)
select a.id, sha256(convert_to(n::text, 'UTF8')), 100000, 'image/jpeg', '{"width": 1920, "height": 1080}'
from accounts as a
cross join generate_series(0, 999) as n
where a.name = %(organization)s;
"""

PICTURES = """
insert into items (kind, owner_id, container_id, name, name_key, visibility)
select
    'image', p.owner_id, p.id, f.name, d.id || '/' || f.name, 'private'
from items as p
inner join projects as e on p.id = e.item_id and e.data_type is not null
cross join (
    select n, 'frame-' || lpad(n::text, 8, '0') || '.jpg' as name from generate_series(0, %(pictures)s - 1) as n
) as f
inner join datasets as d on d.name = case when f.n < %(paged)s then 'first' else 'rest' end
order by f.n;
"""

MEDIA = """
insert into media (item_id, project_id, dataset_id, sha256, mime, size, width, height, meta, facts, created_by)
select
    i.id, i.container_id, split_part(i.name_key, '/', 1)::integer, sha256(convert_to((i.id %% 1000)::text, 'UTF8')),
    'image/jpeg', 100000, 1920, 1080, '{"camera": 3, "weather": "rain"}', '{"width": 1920, "height": 1080}', u.id
from items as i
cross join accounts as u
where i.kind = 'image' and u.name = %(curator)s;
"""

# As `LARGE` of the showcases.
SELECTION = """
with made as (
    insert into items (kind, owner_id, container_id, name, name_key, title, visibility, place)
    select
        'collection', p.owner_id, p.id, %(title)s, 'selection/' || %(title)s, %(title)s, 'private',
        substring(int8send(%(key)s::bigint) from 3)
    from items as p
    inner join projects as e on p.id = e.item_id and e.data_type is not null
    returning id, container_id
), selected as (
    insert into selections (collection_id, project_id, data_type) select id, container_id, 'images' from made
)

insert into collections (id, kind, public_id, revision, entry_count, updated_at)
select id, 'selection', substring(md5(%(title)s) from 1 for 24), 2, %(count)s, now() - interval '1 year' from made
returning id;
"""

QUEUES = """
insert into queues (project_id, source, collection_id, name, status, started_at)
select s.project_id, 'collection', s.collection_id, n.name, 'in_progress', now()
from selections as s
inner join items as i on s.collection_id = i.id
cross join (values (%(handing_out)s), (%(loop)s)) as n (name)
where i.title = %(title)s
order by n.name;

insert into jobs (queue_id, user_id, part, name, status, started_at)
select q.id, u.id, 'annotate', u.name, 'in_progress', now()
from queues as q
cross join accounts as u
where u.name = any(%(labelers)s)
order by q.id, u.name;
"""

# What the comparator hands out: the same items from the other end, so that it never labels one that ours labels.
THIN = """
create table thin_queue (
    place bigint primary key, item_id integer not null unique, status text not null default 'waiting',
    labeler_id integer, lease_until timestamptz, submitted_at timestamptz
) with (fillfactor = 80);

insert into thin_queue (place, item_id)
select row_number() over (order by e.order_key desc), e.item_id
from entries as e
inner join items as i on e.collection_id = i.id
where i.title = %(title)s;

create index thin_queue_waiting on thin_queue (place) where status = 'waiting';
"""

# A trigger's text has semicolons, by which statements are told apart: here they stand at no line's end.
AT_ONCE = """
create function handed_in_at_once() returns trigger language plpgsql as
'begin new.status := case when new.status = ''held'' then ''done'' else new.status end; return new; end';

create trigger handed_in_at_once before insert on work
for each row when (new.queue_id = {queue}) execute function handed_in_at_once();
"""

PLACES = """
select
    (select min(m.item_id) from media as m), (select count(*) from media as m where m.dataset_id = d.id), d.id,
    d.project_id, p.owner_id
from datasets as d
inner join items as p on d.project_id = p.id
where d.name = 'first'
"""

COLLECTIONS = """
select i.title, c.id, c.public_id, c.entry_count
from collections as c inner join items as i on c.id = i.id
where c.kind = 'selection' and i.title like 'picked %'
"""

JOBS = """
select q.name, q.id, array_agg(j.id order by j.name)
from queues as q inner join jobs as j on q.id = j.queue_id
group by q.id
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, and the jobs of the labelers in it, in their order."""

    id: int
    jobs: list[int]


@dataclass(frozen=True, slots=True)
class Labels:
    """Where things are: the pictures have numbers one after the other, those of the dataset that is paged first."""

    first_item: int
    paged: int
    dataset: int
    project: int
    account: int
    selections: dict[str, tuple[int, str, int]]
    queues: dict[str, Queue]


def load(say: Callable[..., None], sizes: Sizes, reader: str) -> None:
    """Make people, the project and its pictures, by a way to run statements."""
    values = {"organization": ORGANIZATION, "project": PROJECT, "class": CLASS, "curator": CURATOR, "reader": reader}
    counts = {"paged": sizes.paged, "pictures": sizes.pictures}
    say("the labeling project", PEOPLE, labelers=LABELERS, **values, **counts)
    say("pictures", PICTURES, **counts)
    say("their facts", MEDIA, curator=CURATOR)


def selections(sizes: Sizes) -> dict[str, tuple[int, int]]:
    """Return the selections to make: how many pictures each holds, and how many of the first it leaves out."""
    wanted = {
        "left": (sizes.million, 0),
        "right": (sizes.million, sizes.apart),
        "moved": (sizes.million, 0),
        QUEUED: (sizes.queued, sizes.paged),
    }
    if sizes.ten_million:
        wanted["ten"] = (sizes.ten_million, 0)
    return wanted


def load_queues(say: Callable[..., None]) -> None:
    """Make the queues, once the selections are there."""
    title = PICKED + QUEUED
    say("queues", QUEUES, title=title, labelers=LABELERS, handing_out=HANDING_OUT, loop=LOOP)
    say("the comparator's queue", THIN, title=title)


def find(rows: Callable[[LiteralString], list[tuple[Any, ...]]]) -> Labels:
    """Look up where things are, by a way to run queries."""
    ((first, paged, dataset, project, account),) = rows(PLACES)
    made = {title.removeprefix(PICKED): (number, public, count) for title, number, public, count in rows(COLLECTIONS)}
    queues = {name: Queue(number, jobs) for name, number, jobs in rows(JOBS)}
    return Labels(first, paged, dataset, project, account, made, queues)
