-- name: project_of -> ProjectOf
-- A project as one reader sees it, with the type of its data.
select i.id, i.owner_id, i.visibility, p.data_type
from items as i
inner join projects as p on i.id = p.item_id
where i.id = %(id)s::integer and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []);

-- name: kept_project_of -> ProjectOf
-- The same, kept from being deleted until the transaction ends.
select i.id, i.owner_id, i.visibility, p.data_type
from items as i
inner join projects as p on i.id = p.item_id
where i.id = %(id)s::integer and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
for key share of i;

-- name: make_selection
-- A new selection of a project: its identity among the items, what only collections and selections have, and the record of
-- its creation. It has no place in a list. No row when its name is taken.
with item as (
    insert into items (kind, owner_id, container_id, name, name_key, title, visibility)
    values (
        'collection', %(owner_id)s::integer, %(project_id)s::integer, %(name)s::text, %(name_key)s::text,
        %(title)s::text, %(visibility)s::text
    )
    on conflict (kind, owner_id, container_id, name_key) where deleted_at is null do nothing
    returning id
),

made as (
    insert into collections (id, kind, public_id, description, theme, tags)
    select
        item.id, 'selection', %(public_id)s::text, %(description)s::text, %(theme)s::text, %(tags)s::text []
    from item
    returning id
),

selected as (
    insert into selections (collection_id, project_id, data_type, search_key)
    select made.id, %(project_id)s::integer, %(data_type)s::text, %(search_key)s::text from made
),

told as (
    insert into events (
        verb, actor_id, token_id, api, request_id, item_id, collection_id, revision, after, reason
    )
    select
        'collection.created', %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, made.id, made.id, 1,
        %(after)s::jsonb, %(reason)s::text
    from made
)

select id from made;

-- name: taker -> Taker
-- The selection of a project that has a name.
select i.id, i.title, o.name || '/' || i.name || '-' || c.public_id as slug
from items as i
inner join collections as c on i.id = c.id
inner join accounts as o on i.owner_id = o.id
where i.kind = 'collection' and i.container_id = %(project_id)s::integer and i.name_key = %(name_key)s::text
and i.deleted_at is null;

-- name: selection -> Selection
-- A selection as one reader sees it.
select
    c.id, c.public_id, s.project_id, i.owner_id, o.name as owner, i.title as name, i.name as words, c.description,
    s.data_type, s.search_key, c.tags, i.visibility, c.revision, c.entry_count,
    exists (select 1 from live_collections as l where l.collection_id = c.id) as is_live, i.created_at, c.updated_at
from selections as s
inner join collections as c on s.collection_id = c.id
inner join items as i on c.id = i.id
inner join accounts as o on i.owner_id = o.id
where s.collection_id = %(id)s::integer and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []);

-- name: selections_of -> Selection
-- A page of the selections of a project that was looked at before: of those with a search behind them, those without, or
-- both.
select
    c.id, c.public_id, s.project_id, i.owner_id, o.name as owner, i.title as name, i.name as words, c.description,
    s.data_type, s.search_key, c.tags, i.visibility, c.revision, c.entry_count,
    exists (select 1 from live_collections as l where l.collection_id = c.id) as is_live, i.created_at, c.updated_at
from selections as s
inner join collections as c on s.collection_id = c.id
inner join items as i on c.id = i.id
inner join accounts as o on i.owner_id = o.id
where s.project_id = %(project_id)s::integer and i.deleted_at is null
and (%(searches)s::boolean is null or (s.search_key is not null) = %(searches)s::boolean)
and (%(ids)s::integer [] is null or c.id = any(%(ids)s::integer []))
and (%(names)s::text [] is null or i.title = any(%(names)s::text []))
and (%(text)s::text is null or strpos(lower(i.title || ' ' || c.description), lower(%(text)s::text)) > 0)
order by
    case when not %(descending)s::boolean and %(sort)s::text = 'name' then lower(i.title) end,
    case when %(descending)s::boolean and %(sort)s::text = 'name' then lower(i.title) end desc,
    case when not %(descending)s::boolean then case %(sort)s::text
        when 'created_at' then i.created_at when 'updated_at' then c.updated_at
    end end,
    case when %(descending)s::boolean then case %(sort)s::text
        when 'created_at' then i.created_at when 'updated_at' then c.updated_at
    end end desc,
    case when %(sort)s::text = 'entry_count'
        then case when %(descending)s::boolean then -c.entry_count else c.entry_count end
    end,
    case when %(descending)s::boolean then -c.id else c.id end
limit %(limit)s::integer
offset %(offset)s::bigint;

-- name: count_selections
-- How many selections of a project there are, found in the same way.
select count(*)::integer
from selections as s
inner join collections as c on s.collection_id = c.id
inner join items as i on c.id = i.id
where s.project_id = %(project_id)s::integer and i.deleted_at is null
and (%(searches)s::boolean is null or (s.search_key is not null) = %(searches)s::boolean)
and (%(ids)s::integer [] is null or c.id = any(%(ids)s::integer []))
and (%(names)s::text [] is null or i.title = any(%(names)s::text []))
and (%(text)s::text is null or strpos(lower(i.title || ' ' || c.description), lower(%(text)s::text)) > 0);

-- name: members -> Member
-- Those of some items that are in a collection, in the order in which they were named.
with wanted as materialized (
    select %(id)s::integer as collection_id, w.item_id, min(w.at) as at
    from unnest(%(items)s::integer []) with ordinality as w (item_id, at)
    group by w.item_id
)

select e.item_id, e.added_at as created_at, e.score
from wanted as w
inner join entries as e on w.collection_id = e.collection_id and w.item_id = e.item_id
order by w.at;

-- name: rescore
-- Give entries new scores as a part of a change; their former form goes into the history. Returns the items whose score is
-- another now.
with wanted as materialized (
    select %(id)s::integer as collection_id, w.item_id, w.score
    from unnest(%(items)s::integer [], %(scores)s::real []) as w (item_id, score)
    where w.score is not null
),

kept as (
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    select
        e.collection_id, e.item_id, e.order_key, e.since_rev, %(revision)s::integer, e.added_rev, e.added_by, e.added_at,
        e.score, e.note
    from entries as e
    inner join wanted as w on e.collection_id = w.collection_id and e.item_id = w.item_id
    where e.since_rev < %(revision)s::integer and e.score is distinct from w.score
)

update entries as e
set score = w.score, since_rev = %(revision)s::integer
from wanted as w
where e.collection_id = w.collection_id and e.item_id = w.item_id and e.score is distinct from w.score
returning e.item_id;
