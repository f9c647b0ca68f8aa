-- name: account_ids
-- The account of a name.
select a.id from accounts as a where lower(a.name) = lower(%(name)s::text) and a.deleted_at is null;

-- name: project_ids
-- The projects of a name (of one owner, where he is named), or of a number, that a reader sees.
select p.id
from items as p
inner join accounts as o on p.owner_id = o.id
where p.kind = 'project' and p.deleted_at is null
and (lower(p.name) = lower(%(name)s::text) or p.id = %(number)s::integer)
and (%(owner)s::text is null or lower(o.name) = lower(%(owner)s::text))
and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s::integer []);

-- name: dataset_ids
-- The datasets at the end of a path of names, which begins at any depth unless it is to begin at the top, or of a number;
-- and all that are nested below. In one project, where one is said, else in all that a reader sees.
with recursive seen as (
    select d.id, d.parent_id, d.name
    from datasets as d
    inner join items as p on d.project_id = p.id
    where d.deleted_at is null and p.deleted_at is null
    and (%(project_id)s::integer is null or d.project_id = %(project_id)s::integer)
    and (
        readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s::integer [])
        or p.id = %(worked)s::integer
    )
),

steps as (
    select s.id, 1 as depth
    from seen as s
    where s.name = (%(path)s::text [])[1] and (not %(top)s::boolean or s.parent_id is null)
    union all
    select s.id, t.depth + 1
    from steps as t
    inner join seen as s on t.id = s.parent_id
    where s.name = (%(path)s::text [])[t.depth + 1]
),

below as (
    select t.id from steps as t where t.depth = cardinality(%(path)s::text [])
    union
    select s.id from seen as s where s.id = %(number)s::integer
    union
    select s.id
    from below as b
    inner join seen as s on b.id = s.parent_id
)

select b.id from below as b order by b.id;

-- name: selection_ids
-- The selection of a title in a project.
select i.id
from items as i
inner join selections as s on i.id = s.collection_id
where i.kind = 'collection' and i.container_id = %(project_id)s::integer and i.name_key = %(name_key)s::text
and i.deleted_at is null;

-- name: queue_id
-- A queue, if a reader sees it: what is public of a project is not how the work in it goes.
select q.id
from queues as q
inner join items as p on q.project_id = p.id
where q.id = %(id)s::integer and q.removed_at is null and p.deleted_at is null
and (%(everything)s or p.owner_id = any(%(accounts)s::integer []));

-- name: found -> ItemHit
-- A page of the items that fit a query, of those that a reader sees. They are found first, and then looked at.
select
    i.id, i.kind, c.kind as collection_kind, i.owner_id, o.name as owner, i.name, i.title, i.visibility,
    i.container_id as project_id, m.dataset_id, c.public_id, i.created_at, i.updated_at, f.key
from (
    select s.id, s.key, row_number() over () as place
    from (
        select i.id, /* part: key */ 0 as key
        from items as i
        left join media as m on i.id = m.item_id
        where i.deleted_at is null and /* part: within */ true
        and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
        and /* part: asked */ true
        and /* part: after */ true
        order by /* part: order */ i.id
        limit /* part: reach */ 1000
    ) as s
    limit %(limit)s::bigint
) as f
inner join items as i on f.id = i.id
left join media as m on i.id = m.item_id
left join accounts as o on i.owner_id = o.id
left join collections as c on i.id = c.id
order by f.place;

-- name: found_ids
-- The numbers of all items that fit a query, in its order.
select coalesce(array_agg(s.id), '{}')
from (
    select i.id
    from items as i
    left join media as m on i.id = m.item_id
    where i.deleted_at is null and /* part: within */ true
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    and /* part: asked */ true
    order by /* part: order */ i.id
    limit %(limit)s::bigint
) as s;

-- name: found_media_ids
-- The same where only media can fit.
select coalesce(array_agg(s.id), '{}')
from (
    select i.id
    from media as m
    inner join items as i on m.item_id = i.id
    where i.deleted_at is null and /* part: within */ true
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    and /* part: asked */ true
    order by /* part: order */ i.id
    limit %(limit)s::bigint
) as s;

-- name: count_found
-- How many items fit a query, of those that a reader sees.
select count(*)
from items as i
left join media as m on i.id = m.item_id
where i.deleted_at is null and /* part: within */ true
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
and /* part: asked */ true;
