-- name: registries -> RegistryHit
-- A page of an organization's registries that a reader sees.
select a.id, /* part: key */ 0 as key
from accounts as a
inner join registries as g on a.id = g.account_id
where a.organization_id = %(organization_id)s::integer and a.kind = 'registry' and a.deleted_at is null
and readable('private', a.id, %(everything)s, %(accounts)s)
and /* part: registries */ true
and /* part: after */ true
order by /* part: order */ a.id
limit %(limit)s;

-- name: count_registries
-- How many they are.
select count(*)
from accounts as a
inner join registries as g on a.id = g.account_id
where a.organization_id = %(organization_id)s::integer and a.kind = 'registry' and a.deleted_at is null
and readable('private', a.id, %(everything)s, %(accounts)s)
and /* part: registries */ true;

-- name: registry_ids
-- All of them: the owners of the releases that are searched.
select a.id
from accounts as a
inner join registries as g on a.id = g.account_id
where a.organization_id = %(organization_id)s::integer and a.kind = 'registry' and a.deleted_at is null
and readable('private', a.id, %(everything)s, %(accounts)s)
and /* part: registries */ true;

-- name: tagged_collections
-- Some of the collections that have any of some tags. Here and in the next two, the planner is not told that a part will
-- do: it would take that for a reason to go through the table.
with found as materialized (
    select c.id from collections as c where c.tags && %(words)s::text []
)

select found.id from found limit %(limit)s;

-- name: tagged_versions
-- The items of some of the versions that have any of some tags.
with found as materialized (
    select v.item_id from versions as v where v.tags && %(words)s::text [] and v.state = 'committed'
)

select found.item_id from found limit %(limit)s;

-- name: aliased_versions
-- The items of some of the entries that any of some aliases name.
with found as materialized (
    select y.item_id from entry_aliases as y where y.alias = any(%(words)s::text [])
)

select found.item_id from found limit %(limit)s;

-- name: collections_of_owners -> CollectionHit
-- A page of the releases of some registries; where `among` says which could fit, only those are looked at.
with i as materialized (
    select r.id, r.title, r.created_at
    from items as r
    where %(among)s::integer [] is null and r.owner_id = any(%(owners)s::integer [])
    and r.kind = 'collection' and r.deleted_at is null
    union all
    select r.id, r.title, r.created_at
    from items as r
    where r.id = any(%(among)s::integer []) and r.owner_id = any(%(owners)s::integer [])
    and r.kind = 'collection' and r.deleted_at is null
)

select c.id, c.kind, /* part: key */ 0 as key
from (select * from i order by i.id desc offset 0) as i
cross join lateral (select n.* from collections as n where n.id = i.id offset 0) as c
where (%(type)s::text is null or %(type)s::text = any(c.types))
and /* part: collections */ true
and /* part: after */ true
order by /* part: order */ i.id
limit %(limit)s;

-- name: count_collections_of_owners
-- How many they are.
with i as materialized (
    select r.id, r.title, r.created_at
    from items as r
    where %(among)s::integer [] is null and r.owner_id = any(%(owners)s::integer [])
    and r.kind = 'collection' and r.deleted_at is null
    union all
    select r.id, r.title, r.created_at
    from items as r
    where r.id = any(%(among)s::integer []) and r.owner_id = any(%(owners)s::integer [])
    and r.kind = 'collection' and r.deleted_at is null
)

select count(*)
from i
cross join lateral (select n.* from collections as n where n.id = i.id offset 0) as c
where (%(type)s::text is null or %(type)s::text = any(c.types))
and /* part: collections */ true;

-- name: collections_of_project -> CollectionHit
-- A page of the artifacts and releases of a project that a reader sees.
with i as materialized (
    select r.id, r.title, r.created_at
    from items as p
    inner join items as r on p.id = r.container_id and r.kind = 'collection'
    where p.id = %(project_id)s::integer and p.kind = 'project' and p.deleted_at is null
    and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s)
    and r.deleted_at is null and readable(r.visibility, r.owner_id, %(everything)s, %(accounts)s)
)

select c.id, c.kind, /* part: key */ 0 as key
from (select * from i order by i.id desc offset 0) as i
cross join lateral (select n.* from collections as n where n.id = i.id offset 0) as c
where c.kind = any(%(kinds)s::text []) and (%(type)s::text is null or %(type)s::text = any(c.types))
and /* part: collections */ true
and /* part: after */ true
order by /* part: order */ i.id
limit %(limit)s;

-- name: count_collections_of_project
-- How many they are.
with i as materialized (
    select r.id, r.title, r.created_at
    from items as p
    inner join items as r on p.id = r.container_id and r.kind = 'collection'
    where p.id = %(project_id)s::integer and p.kind = 'project' and p.deleted_at is null
    and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s)
    and r.deleted_at is null and readable(r.visibility, r.owner_id, %(everything)s, %(accounts)s)
)

select count(*)
from i
cross join lateral (select n.* from collections as n where n.id = i.id offset 0) as c
where c.kind = any(%(kinds)s::text []) and (%(type)s::text is null or %(type)s::text = any(c.types))
and /* part: collections */ true;

-- name: versions_of_owners -> VersionHit
-- A page of the versions in the releases of some registries, release by release, the newest first: it ends as soon as it
-- is full. `top` is the release with which it begins.
with shelf as materialized (
    select i.id
    from (
        select r.id, r.title, r.created_at
        from items as r
        where %(among)s::integer [] is null and r.owner_id = any(%(owners)s::integer [])
        and r.kind = 'collection' and r.deleted_at is null
        union all
        select r.id, r.title, r.created_at
        from items as r
        where r.id = any(%(among)s::integer []) and r.owner_id = any(%(owners)s::integer [])
        and r.kind = 'collection' and r.deleted_at is null
    ) as i
    left join collections as c on i.id = c.id
    where i.id <= coalesce(%(top)s::bigint, 2147483647)
    and /* part: collections */ true
)

select
    s.id as collection_id, f.item_id, f.version_id,
    (select m.number from entry_numbers as m where m.collection_id = s.id and m.item_id = f.item_id) as number,
    f.linked_at, 0 as key
from (select shelf.id from shelf order by shelf.id desc offset 0) as s
cross join lateral (
    select e.item_id, v.id as version_id, e.added_at as linked_at
    from entry_numbers as o
    inner join entries as e on o.item_id = e.item_id and o.collection_id = e.collection_id
    inner join versions as v on o.item_id = v.item_id
    where o.collection_id = s.id and v.state = 'committed'
    and /* part: versions */ true
    and /* part: after */ true
    order by /* part: order */ e.item_id
    limit %(limit)s
) as f
order by s.id desc, f.item_id desc
limit %(limit)s;

-- name: versions_of_owners_sorted -> VersionHit
-- The same in another order: all of them are looked at.
with shelf as materialized (
    select i.id
    from (
        select r.id, r.title, r.created_at
        from items as r
        where %(among)s::integer [] is null and r.owner_id = any(%(owners)s::integer [])
        and r.kind = 'collection' and r.deleted_at is null
        union all
        select r.id, r.title, r.created_at
        from items as r
        where r.id = any(%(among)s::integer []) and r.owner_id = any(%(owners)s::integer [])
        and r.kind = 'collection' and r.deleted_at is null
    ) as i
    left join collections as c on i.id = c.id
    where /* part: collections */ true
)

select
    e.collection_id, e.item_id, v.id as version_id,
    (select m.number from entry_numbers as m where m.collection_id = e.collection_id and m.item_id = e.item_id) as number,
    e.added_at as linked_at, /* part: key */ 0 as key
from shelf as s
inner join entries as e on s.id = e.collection_id
inner join versions as v on e.item_id = v.item_id
where v.state = 'committed'
and /* part: versions */ true
and /* part: after */ true
order by /* part: order */ e.item_id
limit %(limit)s;

-- name: versions_of_owners_among -> VersionHit
-- The same in any order, where it is known which few items could fit.
with shelf as materialized (
    select i.id
    from (
        select r.id, r.title, r.created_at
        from items as r
        where %(among)s::integer [] is null and r.owner_id = any(%(owners)s::integer [])
        and r.kind = 'collection' and r.deleted_at is null
        union all
        select r.id, r.title, r.created_at
        from items as r
        where r.id = any(%(among)s::integer []) and r.owner_id = any(%(owners)s::integer [])
        and r.kind = 'collection' and r.deleted_at is null
    ) as i
    left join collections as c on i.id = c.id
    where /* part: collections */ true
)

select
    e.collection_id, e.item_id, v.id as version_id,
    (select m.number from entry_numbers as m where m.collection_id = e.collection_id and m.item_id = e.item_id) as number,
    e.added_at as linked_at, /* part: key */ 0 as key
from entries as e
inner join shelf as s on e.collection_id = s.id
inner join versions as v on e.item_id = v.item_id
where e.item_id = any(%(items)s::integer []) and v.state = 'committed'
and /* part: versions */ true
and /* part: after */ true
order by /* part: order */ e.item_id
limit %(limit)s;

-- name: versions_of_collection -> VersionHit
-- A page of the versions in one artifact or release that a reader sees.
select
    n.collection_id, n.item_id, v.id as version_id, n.number, e.added_at as linked_at, /* part: key */ 0 as key
from items as i
inner join entry_numbers as n on i.id = n.collection_id
inner join entries as e on n.item_id = e.item_id and n.collection_id = e.collection_id
inner join versions as v on n.item_id = v.item_id
where i.id = %(collection_id)s::integer and i.kind = 'collection' and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
and v.state = 'committed'
and /* part: versions */ true
and /* part: after */ true
order by /* part: order */ n.number
limit %(limit)s;

-- name: count_versions_of_collection
-- How many they are.
select count(*)
from items as i
inner join entry_numbers as n on i.id = n.collection_id
inner join entries as e on n.item_id = e.item_id and n.collection_id = e.collection_id
inner join versions as v on n.item_id = v.item_id
where i.id = %(collection_id)s::integer and i.kind = 'collection' and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
and v.state = 'committed'
and /* part: versions */ true;

-- name: runs_of_project -> RunHit
-- A page of the runs of a project that a reader sees.
select u.id, /* part: key */ 0 as key
from items as p
inner join runs as u on p.id = u.project_id
left join accounts as b on u.user_id = b.id
where p.id = %(project_id)s::integer and p.kind = 'project' and p.deleted_at is null
and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s)
and u.deleted_at is null
and /* part: runs */ true
and /* part: after */ true
order by /* part: order */ u.id
limit %(limit)s;

-- name: count_runs_of_project
-- How many they are.
select count(*)
from items as p
inner join runs as u on p.id = u.project_id
left join accounts as b on u.user_id = b.id
where p.id = %(project_id)s::integer and p.kind = 'project' and p.deleted_at is null
and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s)
and u.deleted_at is null
and /* part: runs */ true;
