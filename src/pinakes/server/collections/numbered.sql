-- name: create_numbered
-- A new artifact or release: its identity among the items, and what only collections have. It has no place in a list. No
-- row when its name is taken.
with item as (
    insert into items (kind, owner_id, container_id, name, name_key, title, visibility)
    values (
        'collection', %(owner_id)s, %(container_id)s::integer, %(name)s, %(name_key)s, %(title)s, %(visibility)s
    )
    on conflict (kind, owner_id, container_id, name_key) where deleted_at is null do nothing
    returning id
)

insert into collections (id, kind, public_id, description, tags, types)
select item.id, %(kind)s, %(public_id)s, %(description)s, %(tags)s, %(types)s::text [] from item
returning id;

-- name: find_numbered
-- The id of the artifact or release of that name, of an owner and, where it has one, in its project.
select i.id
from items as i
where i.kind = 'collection' and i.owner_id = %(owner_id)s
and i.container_id is not distinct from %(container_id)s::integer
and i.name_key = %(name_key)s and i.deleted_at is null;

-- name: cards -> Card
-- Artifacts and releases as one reader sees them, by their ids or one by its public id.
select
    c.id, c.kind, c.public_id, i.title, i.name as words, c.types, c.description, c.tags, i.owner_id, o.name as owner,
    o.kind as owner_kind, o.display_name as owner_title, o.organization_id, g.name as organization, i.container_id,
    p.name as container, i.visibility, c.revision, c.entry_count, i.created_at, c.updated_at
from collections as c
inner join items as i on c.id = i.id
inner join accounts as o on i.owner_id = o.id
left join accounts as g on o.organization_id = g.id
left join items as p on i.container_id = p.id
where c.id = any(
    coalesce(%(ids)s::integer [], array(select n.id from collections as n where n.public_id = %(public_id)s::text))
)
and c.kind in ('artifact', 'release') and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s);

-- name: append_numbered -> Appended
-- Put an item at the end of a held collection and give it its number, the next one if it never had one. An item that is
-- there already stays where it is.
with numbered as (
    insert into entry_numbers (collection_id, item_id, number)
    select
        %(id)s::integer, %(item_id)s::integer,
        coalesce((select max(n.number) + 1 from entry_numbers as n where n.collection_id = %(id)s), 0)
    on conflict on constraint entry_numbers_pkey do nothing
    returning number
),

added as (
    insert into entries (
        collection_id, item_id, order_key, since_rev, added_rev, added_by, added_at, closed
    )
    values (
        %(id)s, %(item_id)s,
        next_key((select e.order_key from entries as e where e.collection_id = %(id)s order by e.order_key desc limit 1)),
        %(revision)s, %(revision)s, %(actor_id)s, clock_timestamp(), false
    )
    on conflict on constraint entries_item_taken do nothing
    returning item_id
)

select
    coalesce(
        (select n.number from numbered as n),
        (select n.number from entry_numbers as n where n.collection_id = %(id)s and n.item_id = %(item_id)s)
    ) as number,
    exists (select 1 from added) as new;

-- name: set_alias -> AliasSet
-- Let an alias name an entry of a held collection; what it named before goes into the history. Says which item that was.
with former as (
    select a.*, clock_timestamp() as ends
    from entry_aliases as a
    where a.collection_id = %(id)s and a.alias = %(alias)s
),

kept as (
    insert into entry_alias_history (
        collection_id, alias, item_id, since_rev, until_rev, set_by, set_at, reason, ended_by, ended_at
    )
    select
        f.collection_id, f.alias, f.item_id, f.since_rev, %(revision)s, f.set_by, f.set_at, f.reason, %(actor_id)s, f.ends
    from former as f
    where f.item_id <> %(item_id)s and f.since_rev < %(revision)s
),

put as (
    insert into entry_aliases as a (collection_id, alias, item_id, since_rev, set_by, set_at, reason)
    values (
        %(id)s, %(alias)s, %(item_id)s, %(revision)s, %(actor_id)s,
        coalesce((select f.ends from former as f), clock_timestamp()), %(reason)s
    )
    on conflict on constraint entry_aliases_pkey do update
    set item_id = excluded.item_id, since_rev = excluded.since_rev, set_by = excluded.set_by,
        set_at = excluded.set_at, reason = excluded.reason
    where a.item_id <> excluded.item_id
    returning a.item_id
)

select
    exists (select 1 from put) as changed,
    (select f.item_id from former as f) as former_item,
    (
        select n.number
        from entry_numbers as n
        inner join former as f on n.item_id = f.item_id
        where n.collection_id = %(id)s
    ) as former_number,
    (select n.number from entry_numbers as n where n.collection_id = %(id)s and n.item_id = %(item_id)s) as number;

-- name: close_numbered
-- Close a change of a held collection: its new revision and count, and the record of all that was done, in its order.
with closed as (
    update collections as c
    set revision = %(revision)s,
        entry_count = c.entry_count + %(delta)s,
        updated_at = greatest(clock_timestamp(), c.updated_at + interval '1 microsecond')
    where c.id = %(id)s
)

insert into events (
    verb, at, actor_id, token_id, api, request_id, item_id, collection_id, revision, before, after, reason
)
select
    d.verb, clock_timestamp(), %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, d.item_id, %(id)s, %(revision)s,
    d.before, d.after, %(reason)s
from unnest(
    %(verbs)s::text [], %(items)s::integer [], %(befores)s::jsonb [], %(afters)s::jsonb []
) with ordinality as d (verb, item_id, before, after, turn)
order by d.turn;

-- name: drop_aliases
-- Take aliases away in a held collection, all those of an item where no alias is named; they go into the history. Returns
-- each with the item that it named and that one's number.
with gone as (
    delete from entry_aliases as a
    where a.collection_id = %(id)s
    and (%(alias)s::text is null or a.alias = %(alias)s)
    and (%(item_id)s::integer is null or a.item_id = %(item_id)s)
    returning a.*
),

kept as (
    insert into entry_alias_history (
        collection_id, alias, item_id, since_rev, until_rev, set_by, set_at, reason, ended_by, ended_at
    )
    select
        g.collection_id, g.alias, g.item_id, g.since_rev, %(revision)s, g.set_by, g.set_at, g.reason, %(actor_id)s,
        clock_timestamp()
    from gone as g
    where g.since_rev < %(revision)s
)

select g.alias, g.item_id, n.number
from gone as g
inner join entry_numbers as n on g.collection_id = n.collection_id and g.item_id = n.item_id
order by g.alias;

-- name: newest
-- The item with the highest number among the present entries of a collection.
select n.item_id
from entry_numbers as n
where n.collection_id = %(id)s
and exists (select 1 from entries as e where e.item_id = n.item_id and e.collection_id = n.collection_id)
order by n.number desc
limit 1;

-- name: by_alias
-- The item that an alias names.
select a.item_id from entry_aliases as a where a.collection_id = %(id)s and a.alias = %(alias)s;

-- name: by_number
-- The item of that number, if its entry is there.
select n.item_id
from entry_numbers as n
inner join entries as e on n.item_id = e.item_id and n.collection_id = e.collection_id
where n.collection_id = %(id)s and n.number = %(number)s::integer;

-- name: number_of
-- The number of an item, if its entry is there.
select n.number
from entry_numbers as n
inner join entries as e on n.item_id = e.item_id and n.collection_id = e.collection_id
where n.collection_id = %(id)s and n.item_id = %(item_id)s::integer;

-- name: aliases_in
-- The aliases of some entries of a collection, or of all.
select a.item_id, a.alias
from entry_aliases as a
where a.collection_id = %(id)s and (%(items)s::integer [] is null or a.item_id = any(%(items)s))
order by a.alias;

-- name: aliases_of -> AliasRow
-- The aliases of some items in every collection that a reader sees.
select a.collection_id, a.alias, a.item_id
from entry_aliases as a
inner join items as i on a.collection_id = i.id
where a.item_id = any(%(items)s::integer []) and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by a.collection_id, a.alias;

-- name: alias_log -> AliasForm
-- What aliases of a collection named and name, the last set first.
select f.alias, f.item_id, n.number, b.name as set_by, f.set_at, f.reason, e.name as ended_by, f.ended_at
from (
    select a.alias, a.item_id, a.set_by, a.set_at, a.reason, null::integer as ended_by, null::timestamptz as ended_at
    from entry_aliases as a
    where a.collection_id = %(id)s and (%(alias)s::text is null or a.alias = %(alias)s)
    union all
    select h.alias, h.item_id, h.set_by, h.set_at, h.reason, h.ended_by, h.ended_at
    from entry_alias_history as h
    where h.collection_id = %(id)s and (%(alias)s::text is null or h.alias = %(alias)s)
) as f
inner join entry_numbers as n on n.collection_id = %(id)s and f.item_id = n.item_id
left join accounts as b on f.set_by = b.id
left join accounts as e on f.ended_by = e.id
where (f.set_at, f.alias) < (coalesce(%(before)s::timestamptz, 'infinity'), coalesce(%(before_alias)s::text, ''))
order by f.set_at desc, f.alias desc
limit %(limit)s;

-- name: alias_at -> AliasForm
-- What an alias of a collection named at a moment.
select f.alias, f.item_id, n.number, b.name as set_by, f.set_at, f.reason, e.name as ended_by, f.ended_at
from (
    select a.alias, a.item_id, a.set_by, a.set_at, a.reason, null::integer as ended_by, null::timestamptz as ended_at
    from entry_aliases as a
    where a.collection_id = %(id)s and a.alias = %(alias)s and a.set_at <= %(moment)s::timestamptz
    union all
    select h.alias, h.item_id, h.set_by, h.set_at, h.reason, h.ended_by, h.ended_at
    from entry_alias_history as h
    where h.collection_id = %(id)s and h.alias = %(alias)s
    and h.set_at <= %(moment)s::timestamptz and h.ended_at > %(moment)s::timestamptz
) as f
inner join entry_numbers as n on n.collection_id = %(id)s and f.item_id = n.item_id
left join accounts as b on f.set_by = b.id
left join accounts as e on f.ended_by = e.id
order by f.set_at desc
limit 1;

-- name: aliases_then
-- What the aliases of a collection named at a revision, of those whose entries are there now: what a restore sets again.
select f.alias, f.item_id
from (
    select a.alias, a.item_id
    from entry_aliases as a
    where a.collection_id = %(id)s and a.since_rev <= %(revision)s
    union all
    select h.alias, h.item_id
    from entry_alias_history as h
    where h.collection_id = %(id)s and h.since_rev <= %(revision)s and h.until_rev > %(revision)s
) as f
inner join entries as e on f.item_id = e.item_id and e.collection_id = %(id)s
order by f.alias;

-- name: protecting -> Protection
-- Those of some aliases that a registry protects.
select p.alias, p.approvals, a.display_name as registry
from protected_aliases as p
inner join accounts as a on p.registry_id = a.id
where p.registry_id = %(registry_id)s and p.alias = any(%(aliases)s::text [])
order by p.alias;
