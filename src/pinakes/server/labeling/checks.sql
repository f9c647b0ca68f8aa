-- name: items_untagged
-- Which of these items do not have a tag of that name themselves; a tag of their objects or figures does not count.
select w.item_id, null::integer as clashes_with, count(*) over ()::integer as total
from unnest(%(items)s::integer []) with ordinality as w (item_id, at)
where not exists (
    select 1
    from tagged as g
    inner join label_tags as t on g.tag_id = t.id
    where g.item_id = w.item_id and t.name = %(name)s::text
)
order by w.at
limit %(limit)s::integer;

-- name: items_unclassed
-- Which of these items have no figure of a class of that name.
select w.item_id, null::integer as clashes_with, count(*) over ()::integer as total
from unnest(%(items)s::integer []) with ordinality as w (item_id, at)
where not exists (
    select 1
    from figures as f
    inner join label_classes as c on f.class_id = c.id
    where f.item_id = w.item_id and c.name = %(name)s::text
)
order by w.at
limit %(limit)s::integer;

-- name: items_unreviewed
-- Which of these items no queue (or not the one that is named) has accepted, by all whom it was given to.
select w.item_id, null::integer as clashes_with, count(*) over ()::integer as total
from unnest(%(items)s::integer []) with ordinality as w (item_id, at)
where not exists (
    select 1
    from work as k
    where k.item_id = w.item_id and (%(queue_id)s::integer is null or k.queue_id = %(queue_id)s::integer)
    group by k.queue_id
    having bool_and(k.status = 'accepted' and k.more = 0)
)
order by w.at
limit %(limit)s::integer;

-- name: queue_to_check
-- Whether there is a queue of that number that a reader sees.
select exists (
    select 1
    from queues as q
    inner join items as i on q.project_id = i.id
    where q.id = %(queue_id)s::integer and q.removed_at is null and i.deleted_at is null
    and (%(everything)s or i.owner_id = any(%(accounts)s::integer []))
);
