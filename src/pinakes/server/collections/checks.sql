-- name: add_check
-- A new rule for a collection.
insert into collection_checks (collection_id, kind, params, blocks, created_by)
values (%(id)s::integer, %(kind)s::text, %(params)s::jsonb, %(blocks)s::boolean, %(by)s::integer)
returning id;

-- name: checks -> Check
-- The rules of a collection: all of them, or one.
select k.id, k.collection_id, k.kind, k.params, k.blocks, a.name as created_by, k.created_at
from collection_checks as k
left join accounts as a on k.created_by = a.id and a.deleted_at is null
where k.collection_id = %(id)s::integer and (%(check_id)s::integer is null or k.id = %(check_id)s::integer)
order by k.id;

-- name: enforced -> Check
-- What refuses changes of a collection: its own rules that block, and those of the same account's other collections to share
-- nothing with this one, turned round: they name the collection that they are of.
select k.id, k.collection_id, k.kind, k.params, k.blocks, a.name as created_by, k.created_at
from collection_checks as k
left join accounts as a on k.created_by = a.id and a.deleted_at is null
where k.collection_id = %(id)s::integer and k.blocks
union all
select
    k.id, k.collection_id, k.kind, jsonb_build_object('collection', c.public_id), k.blocks, a.name as created_by,
    k.created_at
from collection_checks as k
inner join collections as c on k.collection_id = c.id
inner join items as i on c.id = i.id
left join accounts as a on k.created_by = a.id and a.deleted_at is null
where k.params ->> 'collection' = %(public_id)s::text and k.kind = 'disjoint' and k.blocks
and i.owner_id = %(owner_id)s::integer and i.deleted_at is null
and not exists (
    select from collection_checks as o
    where o.collection_id = %(id)s::integer and o.kind = 'disjoint' and o.blocks
    and o.params ->> 'collection' = c.public_id
)
order by id;

-- name: hold_compared
-- Keep collections as they are until the transaction ends, as what is put into another is compared with what they hold.
select c.id from collections as c where c.public_id = any(%(collections)s::text []) order by c.id for share;

-- name: remove_check
-- Take a rule away.
delete from collection_checks where id = %(check_id)s::integer and collection_id = %(id)s::integer;

-- name: fresh_items
-- The items that a change has just put into a collection, in order, as one binary string of four bytes each. What it only
-- gave another form was there before: its former form ends with this revision.
select coalesce(string_agg(int4send(e.item_id), ''::bytea order by e.order_key), ''::bytea)
from entries as e
where e.collection_id = %(id)s::integer and e.since_rev = %(revision)s::integer
and not exists (
    select 1
    from entry_history as h
    where h.collection_id = %(id)s::integer and h.item_id = e.item_id and h.until_rev = %(revision)s::integer
);

-- name: items_in_order
-- The items of a collection that a reader sees, in order, as one binary string of four bytes each.
select coalesce(string_agg(int4send(e.item_id), ''::bytea order by e.order_key), ''::bytea)
from entries as e
where e.collection_id = %(id)s::integer and (not e.closed or exists (
    select 1 from items as t
    where t.id = e.item_id and t.deleted_at is null
    and readable(t.visibility, t.owner_id, %(everything)s, %(accounts)s::integer [])
));

-- name: seen_among
-- Which of these items a reader sees.
select i.id
from items as i
where i.id = any(%(items)s::integer []) and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []);

-- name: other_collection -> Other
-- The collection that a check names, unless it was deleted.
select c.id, c.revision
from collections as c
inner join items as i on c.id = i.id
where c.public_id = %(public_id)s::text and i.deleted_at is null;

-- name: same_content -> Against
-- Which of these items of media have a file whose content an item of another collection has as well, and one such item.
-- Each content is looked for once, however many items have it.
with wanted as materialized (
    select m.sha256, w.item_id, w.at
    from unnest(%(items)s::integer []) with ordinality as w (item_id, at)
    inner join media as m on w.item_id = m.item_id
    where m.sha256 is not null
),

contents as materialized (
    select h.sha256, t.item_id
    from (select distinct n.sha256 from wanted as n) as h
    cross join lateral (
        select e.item_id
        from media as m
        inner join entries as e on e.collection_id = %(other)s::integer and e.item_id = m.item_id
        where m.sha256 = h.sha256
        limit 1
    ) as t
)

select w.item_id, c.item_id as clashes_with, count(*) over ()::integer as total
from wanted as w
inner join contents as c on w.sha256 = c.sha256
order by w.at
limit %(limit)s::integer;

-- name: same_digest -> Against
-- The same for versions, which are the same when their digests are.
select w.item_id, o.item_id as clashes_with, count(*) over ()::integer as total
from unnest(%(items)s::integer []) with ordinality as w (item_id, at)
inner join versions as v on w.item_id = v.item_id
inner join (
    select n.digest, min(n.item_id) as item_id
    from entries as e
    inner join versions as n on e.item_id = n.item_id
    where e.collection_id = %(other)s::integer
    group by n.digest
) as o on v.digest = o.digest
order by w.at
limit %(limit)s::integer;

-- name: not_public -> Against
-- Which of these items are not public.
select w.item_id, null::integer as clashes_with, count(*) over ()::integer as total
from unnest(%(items)s::integer []) with ordinality as w (item_id, at)
inner join items as i on w.item_id = i.id
where i.visibility <> 'public'
order by w.at
limit %(limit)s::integer;
