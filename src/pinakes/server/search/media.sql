-- name: reach -> Reach
-- A project of media, found by its number or by a dataset in it; how many items both have, and whether a labeler has work there.
select
    p.id as project_id, p.owner_id, p.visibility,
    (
        select coalesce(sum(d.item_count), 0)::integer
        from datasets as d where d.project_id = p.id and d.deleted_at is null
    ) as item_count,
    (
        select d.item_count from datasets as d
        where d.id = %(dataset_id)s::integer and d.project_id = p.id and d.deleted_at is null
    ) as dataset_count,
    case
        when %(dataset_id)s::integer is null then works_in_project(p.id, %(worker)s::integer)
        else works_in_dataset(%(dataset_id)s::integer, p.id, %(worker)s::integer)
    end as worked
from items as p
where p.id = coalesce(
    %(project_id)s::integer,
    (select d.project_id from datasets as d where d.id = %(dataset_id)s::integer and d.deleted_at is null)
)
and p.kind = 'project' and p.deleted_at is null;

-- name: project_of
-- The project of a selection.
select s.project_id from selections as s where s.collection_id = %(collection_id)s::integer;

-- name: datasets_in -> DatasetPart
-- A dataset of a project, and with it all that are nested below; each with how many items it has.
with recursive below as (
    select d.id, d.item_count
    from datasets as d
    where d.id = %(dataset_id)s::integer and d.project_id = %(project_id)s::integer and d.deleted_at is null
    union all
    select d.id, d.item_count
    from below as b
    inner join datasets as d on b.id = d.parent_id
    where d.deleted_at is null
)

select b.id, b.item_count from below as b;

-- name: page -> MediaRow
-- A page of media that fit a query, as numbers. How many rows are sorted at most is a constant, so that the planner knows
-- when an index in that order is the shorter way; and each item is looked up by itself, so that it walks no other.
select f.id, f.key
from (
    select m.item_id as id, /* part: key */ 0 as key
    from media as m
    cross join lateral (select t.* from items as t where t.id = m.item_id offset 0) as i
    where /* part: within */ true
    and i.deleted_at is null
    and /* part: asked */ true
    and /* part: seen */ true
    and /* part: after */ true
    order by /* part: order */ m.item_id
    limit /* part: reach */ 1000
) as f
offset %(offset)s::bigint
limit %(limit)s::bigint;

-- name: page_sorted -> MediaRow
-- The same in an order for which all that fit are looked at anyway.
select f.id, f.key
from (
    select m.item_id as id, /* part: key */ 0 as key
    from media as m
    inner join items as i on m.item_id = i.id
    where /* part: within */ true
    and i.deleted_at is null
    and /* part: asked */ true
    and /* part: seen */ true
    and /* part: after */ true
    order by /* part: order */ m.item_id
    limit /* part: reach */ 1000
) as f
offset %(offset)s::bigint
limit %(limit)s::bigint;

-- name: page_of_collection -> MediaRow
-- The same of what a collection holds, by its entries.
select f.id, f.key
from (
    select e.item_id as id, /* part: key */ 0 as key
    from entries as e
    inner join media as m on e.item_id = m.item_id
    inner join items as i on m.item_id = i.id
    where e.collection_id = %(collection_id)s::integer
    and /* part: within */ true
    and i.deleted_at is null
    and /* part: asked */ true
    and /* part: seen */ true
    and /* part: after */ true
    order by /* part: order */ e.item_id
    limit /* part: reach */ 1000
) as f
offset %(offset)s::bigint
limit %(limit)s::bigint;

-- name: count
-- How many media fit a query.
select count(*)
from media as m
inner join items as i on m.item_id = i.id
where /* part: within */ true
and i.deleted_at is null
and /* part: asked */ true
and /* part: seen */ true;

-- name: count_of_collection
-- How many of what a collection holds fit a query.
select count(*)
from entries as e
inner join media as m on e.item_id = m.item_id
inner join items as i on m.item_id = i.id
where e.collection_id = %(collection_id)s::integer
and /* part: within */ true
and i.deleted_at is null
and /* part: asked */ true
and /* part: seen */ true;

-- name: scores
-- The scores of some items in a collection.
select e.item_id, e.score
from entries as e
where e.item_id = any(%(items)s::integer []) and e.collection_id = %(collection_id)s::integer and e.score is not null;
