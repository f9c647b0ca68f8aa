-- name: views -> Collection
-- Collections as one reader sees them, by ids or by the public id of one; their place among the owner's others is counted
-- when asked for.
select
    c.id, c.kind, c.public_id, i.owner_id, o.name as owner, o.kind as owner_kind, i.title, i.name, c.description,
    c.theme, c.tags, i.visibility, c.resource_group, c.revision,
    c.entry_count - (
        select count(*)::integer
        from entries as e
        inner join items as t on e.item_id = t.id
        where e.collection_id = c.id and e.closed
        and (t.deleted_at is not null or not readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s))
    ) as entry_count,
    case when %(placed)s then (
        select count(*)::integer
        from items as p
        where p.kind = 'collection' and p.owner_id = i.owner_id and p.deleted_at is null
        and (p.place, p.id) < (i.place, i.id)
        and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s)
    ) else 0 end as position,
    coalesce(v.votes, 0) as votes,
    exists (select 1 from votes as w where w.item_id = c.id and w.user_id = %(user_id)s::integer) as voted,
    i.created_at, c.updated_at, i.deleted_at,
    exists (select 1 from live_collections as l where l.collection_id = c.id) as is_live
from collections as c
inner join items as i on c.id = i.id
inner join accounts as o on i.owner_id = o.id
left join vote_counts as v on c.id = v.item_id
where c.id = any(
    coalesce(%(ids)s::integer [], array(select n.id from collections as n where n.public_id = %(public_id)s))
)
and ((i.deleted_at is null and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s))
    or (i.deleted_at is not null and readable('private', i.owner_id, %(everything)s, %(trash)s)));

-- name: was_owner
-- Whether an account of that name is or was the owner of a collection.
select exists (
    select 1
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as o on o.id = i.owner_id or o.id = any(c.former_owners)
    where c.public_id = %(public_id)s and lower(o.name) = lower(%(owner)s)
);

-- name: find_by_words
-- The id of the newest collection of an owner whose slug has exactly these words, for an address without the id.
select i.id
from items as i
inner join accounts as o on i.owner_id = o.id
where i.kind = 'collection' and i.name = lower(%(words)s) and lower(o.name) = lower(%(owner)s)
and o.deleted_at is null and i.deleted_at is null
order by i.id desc
limit 1;

-- name: find_by_title
-- The address of the owner's live collection with that title, to be named when somebody wants the title again.
select o.name || '/' || i.name || '-' || c.public_id
from items as i
inner join collections as c on i.id = c.id
inner join accounts as o on i.owner_id = o.id
where i.kind = 'collection' and i.owner_id = %(owner_id)s and i.name_key = %(title)s and i.deleted_at is null;

-- name: entries_of -> Entry
-- A page of a collection's entries as one reader sees them, in order, behind a given order key. The page is made an array
-- first: so the planner, who can't know the limit, expects few rows to look up, not a tenth of the collection.
select
    e.collection_id, e.item_id, e.order_key, e.since_rev, e.added_rev, e.added_at, by.name as added_by, e.note, e.score,
    f.kind, f.owner, f.name, f.title, f.visibility, f.updated_at, f.deleted_at, f.votes, f.gated, f.sdk, f.pipeline_tag,
    f.downloads, f.last_modified, f.published_at, f.url, f.target_kind, f.nested_id, f.nested_theme,
    f.nested_description,
    case when f.nested_id is not null
        then f.nested_count - unseen_entries(f.item_id, %(everything)s, %(accounts)s)
    end as nested_count,
    f.nested_kind
from unnest(array(
    select n
    from entries as n
    where n.collection_id = %(id)s and n.order_key > coalesce(%(after)s::bytea, ''::bytea)
    and (not n.closed or exists (
        select 1 from items as t
        where t.id = n.item_id and t.deleted_at is null
        and readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s)
    ))
    order by n.order_key
    limit %(limit)s
)) as e
inner join item_faces as f on e.item_id = f.item_id
left join accounts as by on e.added_by = by.id
order by e.order_key;

-- name: heads -> Entry
-- The first few entries of each of several collections, as one reader sees them, in order; of all items, or of those whose
-- kind (a collection's own, where the item is one) is named.
select
    e.collection_id, e.item_id, e.order_key, e.since_rev, e.added_rev, e.added_at, null::text as added_by, e.note,
    e.score, f.kind, f.owner, f.name, f.title, f.visibility, f.updated_at, f.deleted_at, f.votes, f.gated, f.sdk,
    f.pipeline_tag, f.downloads, f.last_modified, f.published_at, f.url, f.target_kind, f.nested_id, f.nested_theme,
    f.nested_description,
    case when f.nested_id is not null
        then f.nested_count - unseen_entries(f.item_id, %(everything)s, %(accounts)s)
    end as nested_count,
    f.nested_kind
from unnest(array(
    select h.form
    from unnest(%(ids)s::integer []) as wanted (id)
    cross join lateral (
        select n as form
        from entries as n
        where n.collection_id = wanted.id
        and (not n.closed or exists (
            select 1 from items as t
            where t.id = n.item_id and t.deleted_at is null
            and readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s)
        ))
        and (%(kinds)s::text [] is null or exists (
            select 1 from items as t
            left join collections as c on t.id = c.id
            where t.id = n.item_id and coalesce(c.kind, t.kind) = any(%(kinds)s::text [])
        ))
        order by n.order_key
        limit %(count)s
    ) as h
)) as e
inner join item_faces as f on e.item_id = f.item_id
order by e.collection_id, e.order_key;

-- name: entries_at -> Entry
-- A page of the entries that a collection had at a revision. What was deleted since is shown as what it was.
select
    e.collection_id, e.item_id, e.order_key, e.since_rev, e.added_rev, e.added_at, by.name as added_by, e.note, e.score,
    f.kind, f.owner, f.name, f.title, f.visibility, f.updated_at, f.deleted_at, f.votes, f.gated, f.sdk, f.pipeline_tag,
    f.downloads, f.last_modified, f.published_at, f.url, f.target_kind, f.nested_id, f.nested_theme,
    f.nested_description, f.nested_count, f.nested_kind
from unnest(array(
    select p.form
    from (
        (
            select n as form, n.order_key
            from entries as n
            where n.collection_id = %(id)s and n.since_rev <= %(revision)s
            and n.order_key > coalesce(%(after)s::bytea, ''::bytea)
            and (
                select readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s)
                from items as t where t.id = n.item_id
            )
            order by n.order_key
            limit %(limit)s
        )
        union all
        (
            select
                row(
                    h.collection_id, h.item_id, h.order_key, h.since_rev, h.added_rev, h.added_by, h.added_at, false,
                    h.score, h.note
                )::entries as form, h.order_key
            from entry_history as h
            where h.collection_id = %(id)s and h.since_rev <= %(revision)s and h.until_rev > %(revision)s
            and h.order_key > coalesce(%(after)s::bytea, ''::bytea)
            and (
                select readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s)
                from items as t where t.id = h.item_id
            )
            order by h.order_key
            limit %(limit)s
        )
        order by order_key
        limit %(limit)s
    ) as p
)) as e
inner join item_faces as f on e.item_id = f.item_id
left join accounts as by on e.added_by = by.id
order by e.order_key;

-- name: entry -> Entry
-- One entry as one reader sees it.
select
    e.collection_id, e.item_id, e.order_key, e.since_rev, e.added_rev, e.added_at, by.name as added_by, e.note, e.score,
    f.kind, f.owner, f.name, f.title, f.visibility, f.updated_at, f.deleted_at, f.votes, f.gated, f.sdk, f.pipeline_tag,
    f.downloads, f.last_modified, f.published_at, f.url, f.target_kind, f.nested_id, f.nested_theme,
    f.nested_description,
    case when f.nested_id is not null
        then f.nested_count - unseen_entries(f.item_id, %(everything)s, %(accounts)s)
    end as nested_count,
    f.nested_kind
from entries as e
inner join item_faces as f on e.item_id = f.item_id
left join accounts as by on e.added_by = by.id
where e.collection_id = %(id)s and e.item_id = %(item_id)s and e.added_rev = %(added_rev)s
and f.deleted_at is null and readable(f.visibility, f.owner_id, %(everything)s, %(accounts)s);

-- name: page_recent -> Key
-- A page of collections, the last changed first. Owners and tags have queries of their own: filters that may be null look
-- to the planner as if they kept nearly nothing, and then it would sort all there is.
select c.id, c.updated_at, 0::bigint as rank, ''::bytea as place
from collections as c
inner join items as i on c.id = i.id
where listed(
    c, i, %(kind)s, null, null, %(text)s, %(trashed)s, %(everything)s, %(accounts)s
)
and (c.updated_at, c.id) < (coalesce(%(after_at)s::timestamptz, 'infinity'), coalesce(%(after_id)s::integer, 0))
order by c.updated_at desc, c.id desc
limit %(limit)s;

-- name: page_recent_by_tags -> Key
-- The same, found by their tags: all of them must be there.
select c.id, c.updated_at, 0::bigint as rank, ''::bytea as place
from collections as c
inner join items as i on c.id = i.id
where c.tags @> %(tags)s and listed(
    c, i, %(kind)s, %(owners)s, null, %(text)s, %(trashed)s, %(everything)s, %(accounts)s
)
and (c.updated_at, c.id) < (coalesce(%(after_at)s::timestamptz, 'infinity'), coalesce(%(after_id)s::integer, 0))
order by c.updated_at desc, c.id desc
limit %(limit)s;

-- name: page_recent_by_owners -> Key
-- The same, found by their owners: any of them.
select c.id, c.updated_at, 0::bigint as rank, ''::bytea as place
from collections as c
inner join items as i on c.id = i.id
where i.owner_id = any(%(owners)s) and i.kind = 'collection' and listed(
    c, i, %(kind)s, null, %(tags)s, %(text)s, %(trashed)s, %(everything)s, %(accounts)s
)
and (c.updated_at, c.id) < (coalesce(%(after_at)s::timestamptz, 'infinity'), coalesce(%(after_id)s::integer, 0))
order by c.updated_at desc, c.id desc
limit %(limit)s;

-- name: page_ranked -> Key
-- A page of collections by votes: those of the last week first when it is the trend that counts, then all.
select c.id, c.updated_at, k.rank, ''::bytea as place
from collections as c
inner join items as i on c.id = i.id
left join vote_counts as v on c.id = v.item_id
cross join lateral (
    select coalesce(v.votes, 0)::bigint + case when %(trending)s and v.votes > 0 then 1000000000 * (
        select count(*) from votes as w where w.item_id = c.id and w.created_at > now() - interval '7 days'
    ) else 0 end as rank
) as k
where listed(
    c, i, %(kind)s, %(owners)s, %(tags)s, %(text)s, %(trashed)s, %(everything)s, %(accounts)s
)
and (%(among)s::integer [] is null or c.id = any(%(among)s))
and (k.rank, c.updated_at, c.id) < (
    coalesce(%(after_rank)s::bigint, 9223372036854775807),
    coalesce(%(after_at)s::timestamptz, 'infinity'),
    coalesce(%(after_id)s::integer, 0)
)
order by k.rank desc, c.updated_at desc, c.id desc
limit %(limit)s;

-- name: page_recent_among -> Key
-- A page of some collections (those that hold certain items), the last changed first.
select c.id, c.updated_at, 0::bigint as rank, ''::bytea as place
from collections as c
inner join items as i on c.id = i.id
where c.id = any(%(among)s) and listed(
    c, i, %(kind)s, %(owners)s, %(tags)s, %(text)s, %(trashed)s, %(everything)s, %(accounts)s
)
and (c.updated_at, c.id) < (coalesce(%(after_at)s::timestamptz, 'infinity'), coalesce(%(after_id)s::integer, 0))
order by c.updated_at desc, c.id desc
limit %(limit)s;

-- name: page_by_place -> Key
-- A page of an owner's collections in the order that he gave them.
select c.id, c.updated_at, 0::bigint as rank, i.place
from collections as c
inner join items as i on c.id = i.id
where i.kind = 'collection' and i.owner_id = any(%(owners)s)
and (%(among)s::integer [] is null or c.id = any(%(among)s))
and listed(
    c, i, %(kind)s, null, %(tags)s, %(text)s, %(trashed)s, %(everything)s, %(accounts)s
)
and (i.place, c.id) > (coalesce(%(after_place)s::bytea, ''::bytea), coalesce(%(after_id)s::integer, 0))
order by i.place, c.id
limit %(limit)s;

-- name: holding
-- The ids of the collections that hold any of these items; an item that the reader does not see is in none.
select distinct e.collection_id
from entries as e
inner join items as i on e.item_id = i.id
where e.item_id = any(%(items)s) and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s);

-- name: owners
-- The ids of the accounts with these names; a name that nobody has is left out.
select a.id
from accounts as a
where lower(a.name) in (select lower(n.name) from unnest(%(names)s::text []) as n (name)) and a.deleted_at is null;

-- name: last_place
-- The place of the owner's last collection.
select i.place
from items as i
where i.kind = 'collection' and i.owner_id = %(owner_id)s and i.deleted_at is null
order by i.place desc
limit 1;

-- name: places_around
-- The places of the owner's collections right before and at an index, counted among those that the reader sees, leaving
-- out the one that moves.
select i.place
from items as i
where i.kind = 'collection' and i.owner_id = %(owner_id)s and i.deleted_at is null and i.id <> %(id)s
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by i.place, i.id
offset %(skip)s
limit 2;

-- name: create
-- A new collection at the end of its owner's list: its identity among the items, what only collections have, and the record
-- of its creation. Returns nothing, and makes nothing, when the owner has one of that title.
with item as (
    insert into items (kind, owner_id, name, name_key, title, visibility, place)
    values (
        'collection', %(owner_id)s, %(name)s, %(name_key)s, %(title)s, %(visibility)s,
        next_key((
            select p.place
            from items as p
            where p.kind = 'collection' and p.owner_id = %(owner_id)s and p.deleted_at is null
            order by p.place desc
            limit 1
        ))
    )
    on conflict do nothing
    returning id
),

made as (
    insert into collections (id, kind, public_id, description, theme, tags)
    select item.id, %(kind)s, %(public_id)s, %(description)s, %(theme)s, %(tags)s from item
    returning id
),

told as (
    insert into events (
        verb, actor_id, token_id, api, request_id, item_id, collection_id, revision, after, reason
    )
    select
        'collection.created', %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, made.id, made.id, 1,
        %(after)s::jsonb, %(reason)s
    from made
)

select id from made;

-- name: hold -> Locked
-- A collection, locked until the transaction ends, so that whoever changes it comes one after the other; before that, the
-- lock on items that the change needs.
select * from hold_collection(%(id)s, %(public_id)s, %(adding)s);

-- name: key_at
-- The order key of the entry at an index, counted among those that the reader sees, leaving out some that move.
select e.order_key
from entries as e
where e.collection_id = %(id)s and (not e.closed or exists (
    select 1 from items as t
    where t.id = e.item_id and t.deleted_at is null
    and readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s)
))
and e.item_id <> all(%(leaving_out)s::integer [])
order by e.order_key
offset %(index)s
limit 1;

-- name: key_before
-- The order key of the entry right before a key, whoever sees it, leaving out some that move.
select e.order_key
from entries as e
where e.collection_id = %(id)s and e.order_key < %(key)s and e.item_id <> all(%(leaving_out)s::integer [])
order by e.order_key desc
limit 1;

-- name: key_behind
-- The order key of the entry right behind a key, whoever sees it, leaving out some that move.
select e.order_key
from entries as e
where e.collection_id = %(id)s and e.order_key > %(key)s and e.item_id <> all(%(leaving_out)s::integer [])
order by e.order_key
limit 1;

-- name: crowd -> Crowded
-- The entries around a spot whose keys have grown long, and the short keys on either side of them.
with bounds as (
    select
        (
            select l.order_key from entries as l
            where l.collection_id = %(id)s and l.order_key < %(key)s and length(l.order_key) <= %(short)s
            order by l.order_key desc limit 1
        ) as low,
        (
            select h.order_key from entries as h
            where h.collection_id = %(id)s and h.order_key >= %(key)s and length(h.order_key) <= %(short)s
            order by h.order_key limit 1
        ) as high
)

select
    b.low, b.high,
    coalesce(array_agg(e.item_id order by e.order_key) filter (where e.item_id is not null), '{}') as items
from bounds as b
left join entries as e on e.collection_id = %(id)s
and e.order_key > coalesce(b.low, ''::bytea) and (b.high is null or e.order_key < b.high)
group by b.low, b.high;

-- name: add
-- Put items into a collection; those that are there already, are gone, may not be seen, or are of another container than the
-- one that is asked for, are passed over. `closing_items`: entries of items that are not public are closed. With `closing`
-- the change is closed at once: its revision, its count, and the record, which names the first hundred. Returns the items
-- that went in.
with added as (
    insert into entries (
        collection_id, item_id, order_key, since_rev, added_rev, added_by, added_at, closed, score, note
    )
    select
        %(id)s, w.item_id, w.order_key, %(revision)s, %(revision)s, %(actor_id)s, clock_timestamp(),
        i.closed and %(closing_items)s, w.score, w.note
    from unnest(%(items)s::integer [], %(keys)s::bytea [], %(scores)s::real [], %(notes)s::text []) as w (
        item_id, order_key, score, note
    )
    cross join lateral (select t.* from items as t where t.id = w.item_id offset 0) as i
    where i.deleted_at is null and i.kind = any(%(kinds)s)
    and (%(container_id)s::integer is null or i.container_id = %(container_id)s::integer)
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
    on conflict on constraint entries_item_taken do nothing
    returning item_id, order_key, score, note
),

told as (
    select
        count(*)::integer as count,
        coalesce(array_agg(a.item_id), '{}') as items,
        jsonb_build_object('count', count(*), 'entries', (
            select jsonb_agg(
                jsonb_strip_nulls(jsonb_build_object('item', f.item_id, 'note', f.note, 'score', f.score))
                order by f.order_key
            )
            from (select * from added as n order by n.order_key limit %(named)s) as f
        )) as after
    from added as a
)

select
    t.items,
    case when t.count > 0 and %(closing)s then close_change(
        %(id)s, %(revision)s, t.count, 'entry.added', %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, null, null,
        t.after, %(reason)s
    ) end as closed
from told as t;

-- name: append
-- Put one item at the end of a collection, all in this one statement: the collection's id and new revision, or no row when
-- something is not in order, and then nothing was done.
select changed_id, made_revision from append_entry(
    %(public_id)s, %(kind)s, %(owner)s, %(expected)s, %(curated)s, %(item)s, %(note)s, %(score)s::real, %(kinds)s,
    %(everything)s, %(accounts)s, %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, %(reason)s
);

-- name: take_out
-- Take one entry out of a collection, in the same way.
select changed_id, made_revision from take_out_entry(
    %(public_id)s, %(kind)s, %(owner)s, %(expected)s, %(curated)s,
    case when (select c.id from collections as c where c.public_id = %(public_id)s) = %(id)s then %(item)s::integer end,
    %(added_rev)s, %(everything)s, %(accounts)s, %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, %(reason)s
);

-- name: move_behind
-- Move one entry behind another, in the same way.
select changed_id, made_revision from move_entry(
    %(public_id)s, %(owner)s, %(expected)s, %(curated)s, %(id)s, %(item)s, %(added_rev)s, %(behind_item)s,
    %(behind_rev)s, %(longest)s, %(everything)s, %(accounts)s, %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, %(reason)s
);

-- name: there_already -> Present
-- Which of these items a reader sees at all, of which kind, and since which revision they are in a collection.
with wanted as materialized (
    select distinct %(id)s::integer as collection_id, w.item_id from unnest(%(items)s::integer []) as w (item_id)
)

select i.id, i.kind, i.container_id, e.added_rev
from wanted as w
inner join items as i on w.item_id = i.id
left join entries as e on w.collection_id = e.collection_id and w.item_id = e.item_id
where i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s);

-- name: entries_by_item -> Standing
-- Some entries of a collection as they stand, of those that a reader sees; with `placed`, behind which item each stands.
with wanted as materialized (
    select distinct %(id)s::integer as collection_id, w.item_id from unnest(%(items)s::integer []) as w (item_id)
)

select
    e.item_id, e.added_rev, e.order_key, e.note, e.score,
    case when %(placed)s::boolean then (
        select b.item_id
        from entries as b
        where b.collection_id = e.collection_id and b.order_key < e.order_key
        order by b.order_key desc
        limit 1
    ) end as behind
from wanted as w
inner join entries as e on w.collection_id = e.collection_id and w.item_id = e.item_id
inner join items as i on e.item_id = i.id
where i.deleted_at is null and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s);

-- name: rewrite
-- Give entries new notes and scores, and new keys where there are some; their former form goes into the history. Returns the
-- items with new keys, each with the one that it stands behind then.
-- The collection is named beside each item (here and below), or the planner, who knows only how many entries a collection
-- has on average, might walk through all of a large one.
with wanted as (
    select %(id)s::integer as collection_id, w.*
    from unnest(%(items)s::integer [], %(keys)s::bytea [], %(scores)s::real [], %(notes)s::text []) as w (
        item_id, order_key, score, note
    )
),

kept as (
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    select
        e.collection_id, e.item_id, e.order_key, e.since_rev, %(revision)s, e.added_rev, e.added_by, e.added_at,
        e.score, e.note
    from entries as e
    inner join wanted as w on e.collection_id = w.collection_id and e.item_id = w.item_id
    where e.since_rev < %(revision)s
),

rewritten as (
    update entries as e
    set order_key = coalesce(w.order_key, e.order_key), note = w.note, score = w.score, since_rev = %(revision)s
    from wanted as w
    where e.collection_id = w.collection_id and e.item_id = w.item_id
)

select
    w.item_id,
    (
        select b.item_id
        from entries as b
        where b.collection_id = w.collection_id and b.order_key < w.order_key
        and b.item_id <> all(%(items)s::integer [])
        order by b.order_key desc
        limit 1
    ) as behind
from wanted as w
where w.order_key is not null;

-- name: remove
-- Take items out of a collection; what their entries were goes into the history.
with wanted as materialized (
    select %(id)s::integer as collection_id, w.item_id from unnest(%(items)s::integer []) as w (item_id)
),

gone as (
    delete from entries as e
    using wanted as w
    where e.collection_id = w.collection_id and e.item_id = w.item_id
    returning e.*
),

kept as (
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    select
        g.collection_id, g.item_id, g.order_key, g.since_rev, %(revision)s, g.added_rev, g.added_by, g.added_at,
        g.score, g.note
    from gone as g
    where g.since_rev < %(revision)s
)

select count(*) from gone;

-- name: finish
-- Close a change: the collection's new revision and count, and the record of who did what.
select close_change(
    %(id)s, %(revision)s, %(delta)s, %(verb)s, %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, %(item_id)s,
    %(before)s, %(after)s, %(reason)s
);

-- name: keep_fields
-- Put the collection's own fields, as they are before a change, into their history.
insert into collection_history (
    collection_id, until_rev, owner_id, title, name, visibility, description, theme, tags
)
select c.id, %(revision)s, i.owner_id, i.title, i.name, i.visibility, c.description, c.theme, c.tags
from collections as c
inner join items as i on c.id = i.id
where c.id = %(id)s
on conflict do nothing;

-- name: set_fields
-- New values for the fields that a collection has beside its identity.
update collections
set description = %(description)s, theme = %(theme)s, tags = %(tags)s
where id = %(id)s;

-- name: set_identity
-- A new title (and so a new slug) or visibility.
update items
set title = %(title)s, name = %(name)s, name_key = %(name_key)s, visibility = %(visibility)s,
    updated_at = clock_timestamp()
where id = %(id)s;

-- name: set_place -> Placed
-- A new place in the owner's list; behind which collection it stood there and stands now, whoever sees those.
with moved as (update items set place = %(place)s::bytea where id = %(id)s)

select
    (
        select p.id
        from items as p
        where p.kind = 'collection' and p.owner_id = i.owner_id and p.deleted_at is null and p.id <> i.id
        and (p.place, p.id) < (i.place, i.id)
        order by p.place desc, p.id desc
        limit 1
    ) as former,
    (
        select p.id
        from items as p
        where p.kind = 'collection' and p.owner_id = i.owner_id and p.deleted_at is null and p.id <> i.id
        and (p.place, p.id) < (%(place)s::bytea, i.id)
        order by p.place desc, p.id desc
        limit 1
    ) as present
from items as i
where i.id = %(id)s;

-- name: set_owner
-- A new owner; the former one stays in the collection's address book.
with remembered as (
    update collections
    set former_owners = array_append(array_remove(former_owners, %(former)s), %(former)s)
    where id = %(id)s
)

update items set owner_id = %(owner_id)s, place = %(place)s, updated_at = clock_timestamp() where id = %(id)s;

-- name: set_resource_group
-- The label under which an organization groups its collections; returns the former one.
update collections as c
set resource_group = %(group)s
from collections as f
where c.id = %(id)s and f.id = c.id
returning f.resource_group;

-- name: trash
-- Delete a collection, so that it can be brought back.
update items set deleted_at = clock_timestamp(), deleted_by = %(by)s where id = %(id)s;

-- name: homeless
-- Whether the project, or the owner, of a collection was deleted.
select coalesce(p.deleted_at is not null, false) or o.deleted_at is not null
from items as i
inner join accounts as o on i.owner_id = o.id
left join items as p on i.container_id = p.id
where i.id = %(id)s;

-- name: untrash
-- Bring a deleted collection back.
update items set deleted_at = null, deleted_by = null where id = %(id)s;

-- name: purge
-- Forget a deleted collection for good; its name stays on the item, so that the history of others can say what it was.
with entry as (delete from entries where collection_id = %(id)s),

history as (delete from entry_history where collection_id = %(id)s),

vote as (delete from votes where item_id = %(id)s),

vote_count as (delete from vote_counts where item_id = %(id)s)

delete from collections where id = %(id)s;

-- name: remembered
-- Whether a collection is an artifact of which entries elsewhere say what its versions were.
select exists (
    select 1
    from versions as v
    inner join entries as e on v.item_id = e.item_id
    where v.artifact_id = %(id)s and e.collection_id <> v.artifact_id
);

-- name: trashed_before
-- Collections that were deleted before a moment; but artifacts stay as long as entries elsewhere say what their versions were.
select i.id
from items as i
inner join collections as c on i.id = c.id
where i.kind = 'collection' and i.deleted_at < %(moment)s
and not (c.kind = 'artifact' and exists (
    select 1
    from versions as v
    inner join entries as e on v.item_id = e.item_id
    where v.artifact_id = c.id and e.collection_id <> c.id
))
order by i.id;

-- name: noted_elsewhere
-- Whether entries elsewhere say what versions of a deleted artifact were.
select exists (
    select 1
    from versions as v
    inner join entries as e on v.item_id = e.item_id
    where v.artifact_id = %(id)s and e.collection_id <> %(id)s
);

-- name: copy_entries
-- Put the entries that another collection had at a revision into this one, those that the reader sees and that still exist.
insert into entries (
    collection_id, item_id, order_key, since_rev, added_rev, added_by, added_at, closed, score, note
)
select
    %(id)s, s.item_id, s.order_key, %(revision)s, %(revision)s, %(by)s, clock_timestamp(),
    i.closed and %(closing_items)s, s.score, s.note
from (
    select n.item_id, n.order_key, n.score, n.note
    from entries as n
    where n.collection_id = %(source)s and n.since_rev <= %(at)s
    union all
    select h.item_id, h.order_key, h.score, h.note
    from entry_history as h
    where h.collection_id = %(source)s and h.since_rev <= %(at)s and h.until_rev > %(at)s
) as s
inner join items as i on s.item_id = i.id
where i.deleted_at is null and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s);

-- name: fields_at -> FieldsAt
-- The fields that a collection had at a revision: the oldest form that outlived it, else the present one.
select o.name as owner, h.title, h.name, h.visibility, h.description, h.theme, h.tags
from collection_history as h
inner join accounts as o on h.owner_id = o.id
where h.collection_id = %(id)s and h.until_rev > %(revision)s
order by h.until_rev
limit 1;

-- name: count_at
-- How many entries a collection had at a revision, of those that a reader sees.
select count(*)::integer
from (
    select n.item_id from entries as n where n.collection_id = %(id)s and n.since_rev <= %(revision)s
    union all
    select h.item_id from entry_history as h
    where h.collection_id = %(id)s and h.since_rev <= %(revision)s and h.until_rev > %(revision)s
) as e
inner join items as i on e.item_id = i.id
where readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s);

-- name: revision_at -> RevisionAt
-- When a revision was made, if there is one of that number.
select e.revision, e.at
from events as e
where e.collection_id = %(id)s and e.revision = %(revision)s
order by e.id
limit 1;

-- name: named
-- The number of the revision with that name.
select n.revision from revision_names as n where n.collection_id = %(id)s and n.name = %(name)s;

-- name: names -> NamedRevision
-- The names that people gave to revisions of a collection, oldest revision first.
select n.name, n.revision, a.name as created_by, n.created_at
from revision_names as n
left join accounts as a on n.created_by = a.id
where n.collection_id = %(id)s
order by n.revision, n.name;

-- name: name_revision
-- Give a revision a name.
insert into revision_names (collection_id, name, revision, created_by)
values (%(id)s, %(name)s, %(revision)s, %(by)s);

-- name: unname_revision
-- Take a name back.
delete from revision_names where collection_id = %(id)s and name = %(name)s returning revision;

-- name: revisions -> Revision
-- A page of a collection's revisions, newest first, each with the change that made it (the first of several that one call
-- made) and its names.
select distinct on (e.revision)
    e.revision as number, e.at, a.name as actor, e.api, e.verb, e.reason,
    array(
        select n.name from revision_names as n
        where n.collection_id = e.collection_id and n.revision = e.revision order by n.name
    ) as names
from events as e
left join accounts as a on e.actor_id = a.id
where e.collection_id = %(id)s and e.revision is not null and e.verb <> 'revision.named'
and e.verb <> 'revision.unnamed'
and e.revision < coalesce(%(below)s::integer, 2147483647)
order by e.revision desc, e.id
limit %(limit)s;

-- name: last_change -> LastChange
-- What made the present revision, and which revision it undid, if it was an undo.
select e.verb, (e.after ->> 'undone_to')::integer as undone_to
from events as e
where e.collection_id = %(id)s and e.revision = %(revision)s
and e.verb <> 'revision.named' and e.verb <> 'revision.unnamed'
order by e.id desc
limit 1;

-- name: count_differences -> DiffCounts
-- How many entries differ between two revisions, and in which way; of those that a reader sees.
with pairs as (
    select d.*
    from entry_differences(%(id)s, %(older)s, %(newer)s) as d
    inner join items as i on d.item_id = i.id
    where readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
)

select
    count(*) filter (where old_key is null)::integer as added,
    count(*) filter (where new_key is null)::integer as removed,
    count(*) filter (
        where old_key is not null and new_key is not null
        and (old_note is distinct from new_note or old_score is distinct from new_score)
    )::integer as changed,
    count(*) filter (where old_key <> new_key)::integer as moved
from pairs;

-- name: differences -> Difference
-- The entries that differ between two revisions, in the order of the newer, with what they were and are.
select
    d.item_id, d.old_key, d.old_note, d.old_score, d.new_key, d.new_note, d.new_score, f.kind, f.owner, f.name,
    f.title, f.nested_id, coalesce(d.new_rev, d.old_rev) as added_rev
from (
    select n.*
    from entry_differences(%(id)s, %(older)s, %(newer)s) as n
    inner join items as t on n.item_id = t.id
    where readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s)
    and (coalesce(n.new_key, n.old_key), n.item_id)
    > (coalesce(%(after)s::bytea, ''::bytea), coalesce(%(after_id)s::integer, 0))
    order by coalesce(n.new_key, n.old_key), n.item_id
    limit %(limit)s
) as d
inner join item_faces as f on d.item_id = f.item_id
order by coalesce(d.new_key, d.old_key), d.item_id;

-- name: restore_removing
-- First step back to a revision: what came since goes into the history.
with gone as (
    delete from entries as e
    using entry_differences(%(id)s, %(target)s, %(current)s) as d
    where e.collection_id = %(id)s and e.item_id = d.item_id
    and (d.old_key is null or d.old_rev <> e.added_rev)
    returning e.*
)

insert into entry_history (
    collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
)
select
    g.collection_id, g.item_id, g.order_key, g.since_rev, %(revision)s, g.added_rev, g.added_by, g.added_at, g.score,
    g.note
from gone as g;

-- name: restore_rewriting
-- Second step back: what changed since gets its former form again.
with wanted as (
    select d.*
    from entry_differences(%(id)s, %(target)s, %(current)s) as d
    where d.old_key is not null and d.new_key is not null and d.old_rev = d.new_rev
),

kept as (
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    select
        e.collection_id, e.item_id, e.order_key, e.since_rev, %(revision)s, e.added_rev, e.added_by, e.added_at,
        e.score, e.note
    from entries as e
    inner join wanted as w on e.item_id = w.item_id
    where e.collection_id = %(id)s
)

update entries as e
set order_key = w.old_key, note = w.old_note, score = w.old_score, since_rev = %(revision)s
from wanted as w
where e.collection_id = %(id)s and e.item_id = w.item_id;

-- name: restore_adding
-- Third step back: what left since comes in again, as the same membership as before; into a selection what is in its project.
insert into entries (
    collection_id, item_id, order_key, since_rev, added_rev, added_by, added_at, closed, score, note
)
select
    h.collection_id, h.item_id, h.order_key, %(revision)s, h.added_rev, h.added_by, h.added_at,
    i.closed and c.kind = 'showcase', h.score, h.note
from entry_history as h
inner join items as i on h.item_id = i.id
inner join collections as c on h.collection_id = c.id
where h.collection_id = %(id)s and h.since_rev <= %(target)s and h.until_rev > %(target)s
and (c.kind <> 'selection' or (i.deleted_at is null and i.container_id = %(container_id)s::integer))
and not exists (select 1 from entries as e where e.collection_id = %(id)s and e.item_id = h.item_id);

-- name: container_of
-- The project that a collection is in, where it is in one.
select i.container_id from items as i where i.id = %(id)s;

-- name: count_entries
-- How many entries a collection has, counted.
select count(*)::integer from entries as e where e.collection_id = %(id)s;

-- name: bitmap -> Bitmap
-- The kept set of a collection's items, and the revision that it is of.
select b.revision, b.items from membership_bitmaps as b where b.collection_id = %(id)s;

-- name: keep_bitmap
-- Keep the set of a collection's items as of a revision.
insert into membership_bitmaps (collection_id, revision, items) values (%(id)s, %(revision)s, %(items)s)
on conflict (collection_id) do update set revision = excluded.revision, items = excluded.items
where membership_bitmaps.revision < excluded.revision;

-- name: items_of
-- The ids of all items of a collection, as one binary string of four bytes each.
select coalesce(string_agg(int4send(e.item_id), ''::bytea), ''::bytea) from entries as e where e.collection_id = %(id)s;

-- name: items_since
-- Which items came into a collection after a revision, and which left it.
select
    coalesce((
        select array_agg(e.item_id) from entries as e
        where e.collection_id = %(id)s and e.since_rev > %(revision)s
    ), '{}') as present,
    coalesce((
        select array_agg(distinct h.item_id) from entry_history as h
        where h.collection_id = %(id)s and h.until_rev > %(revision)s
        and not exists (select 1 from entries as e where e.collection_id = %(id)s and e.item_id = h.item_id)
    ), '{}') as gone;

-- name: unseen_items
-- The items of a collection that a reader does not see.
select coalesce(array_agg(e.item_id), '{}')
from entries as e
inner join items as t on e.item_id = t.id
where e.collection_id = %(id)s and e.closed
and (t.deleted_at is not null or not readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s));

-- name: rekey
-- Give entries fresh keys; their former form goes into the history, since the past keeps its keys.
with wanted as (
    select %(id)s::integer as collection_id, w.* from unnest(%(items)s::integer [], %(keys)s::bytea []) as w (item_id, order_key)
),

kept as (
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    select
        e.collection_id, e.item_id, e.order_key, e.since_rev, %(revision)s, e.added_rev, e.added_by, e.added_at,
        e.score, e.note
    from entries as e
    inner join wanted as w on e.collection_id = w.collection_id and e.item_id = w.item_id
    where e.since_rev < %(revision)s
)

update entries as e
set order_key = w.order_key, since_rev = %(revision)s
from wanted as w
where e.collection_id = w.collection_id and e.item_id = w.item_id;

-- name: move
-- Give entries fresh keys as a whole change, which is closed in the same statement (see `rekey` and `finish`). They come to
-- stand together; behind which item the first of them does is found, and told, here.
with wanted as (
    select %(id)s::integer as collection_id, w.* from unnest(%(items)s::integer [], %(keys)s::bytea []) as w (item_id, order_key)
),

kept as (
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    select
        e.collection_id, e.item_id, e.order_key, e.since_rev, %(revision)s, e.added_rev, e.added_by, e.added_at,
        e.score, e.note
    from entries as e
    inner join wanted as w on e.collection_id = w.collection_id and e.item_id = w.item_id
    where e.since_rev < %(revision)s
),

moved as (
    update entries as e
    set order_key = w.order_key, since_rev = %(revision)s
    from wanted as w
    where e.collection_id = w.collection_id and e.item_id = w.item_id
)

select close_change(
    %(id)s, %(revision)s, 0, 'entry.moved', %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, null, %(before)s,
    jsonb_set(%(after)s::jsonb, '{entries,0,behind}', coalesce(to_jsonb((
        select b.item_id
        from entries as b
        where b.collection_id = %(id)s and b.order_key < (%(keys)s::bytea [])[1]
        and b.item_id <> all(%(items)s::integer [])
        order by b.order_key desc
        limit 1
    )), 'null'::jsonb)),
    %(reason)s
);

-- name: look_over -> LookedOver
-- Which of very many items can't be added (they do not exist, are of another kind or container, or the reader does not see
-- them), and which can be but are closed (where the collection closes entries at all). Each is looked up by its number (here
-- and in `add`): an index on kinds looks better to the planner while it does not know yet how many there are of a new one.
select
    coalesce(array_agg(w.item_id) filter (where i.id is null), '{}') as missing,
    coalesce(array_agg(i.id) filter (where i.closed and %(closing_items)s), '{}') as closed
from unnest(%(items)s::integer []) as w (item_id)
left join lateral (select t.* from items as t where t.id = w.item_id offset 0) as i
on i.deleted_at is null and i.kind = any(%(kinds)s)
and (%(container_id)s::integer is null or i.container_id = %(container_id)s::integer)
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s);

-- name: copy_in
-- Take in entries that were looked over, as PostgreSQL's binary COPY format.
copy entries (collection_id, item_id, order_key, since_rev, added_rev, added_by, added_at, closed)
from stdin with (format binary);

-- name: take_back
-- Undo what an atomic bulk has added before it met a bad line.
delete from entries where collection_id = %(id)s and added_rev = %(revision)s and since_rev = %(revision)s;
