-- name: record
-- Write down what somebody did, in the transaction that did it.
insert into events (
    verb, actor_id, token_id, api, request_id, account_id, item_id, collection_id, revision, before, after, reason
)
values (
    %(verb)s, %(actor_id)s, %(token_id)s, %(api)s, %(request_id)s, %(account_id)s, %(item_id)s, %(collection_id)s,
    %(revision)s, %(before)s, %(after)s, %(reason)s
);

-- name: feed -> Row
-- What comes next in the record behind a cursor, up to the oldest transaction still running, with whose thing it is about.
select
    e.txid::text as txid, e.id, e.at, e.verb, a.name as actor, e.api, e.revision, e.before, e.after, e.reason,
    e.collection_id, c.public_id as collection, e.item_id, s.id is not null as known, s.owner_id,
    coalesce(s.visibility, 'private') as visibility, s.deleted_at is not null as deleted,
    coalesce(c.kind <> 'showcase', false) as open,
    case
        when e.verb in ('tags.put', 'tags.taken', 'tag.reset') then exists (
            select 1
            from queues as q
            where q.project_id = e.item_id and q.removed_at is null and q.settings @> '{"hide_author": true}'
        )
        else false
    end as nameless
from events as e
left join accounts as a on e.actor_id = a.id
left join items as s on s.id = coalesce(e.collection_id, e.item_id)
left join collections as c on e.collection_id = c.id
where (e.txid, e.id) > (%(txid)s::text::xid8, %(id)s::bigint)
and e.txid < pg_snapshot_xmin(pg_current_snapshot())
order by e.txid, e.id
limit %(limit)s;

-- name: feed_of_collection -> Row
-- The same, of one collection.
select
    e.txid::text as txid, e.id, e.at, e.verb, a.name as actor, e.api, e.revision, e.before, e.after, e.reason,
    e.collection_id, c.public_id as collection, e.item_id, s.id is not null as known, s.owner_id,
    coalesce(s.visibility, 'private') as visibility, s.deleted_at is not null as deleted,
    coalesce(c.kind <> 'showcase', false) as open, false as nameless
from events as e
inner join items as s on e.collection_id = s.id
left join accounts as a on e.actor_id = a.id
left join collections as c on e.collection_id = c.id
where e.collection_id = %(collection_id)s
and (e.txid, e.id) > (%(txid)s::text::xid8, %(after_id)s::bigint)
and e.txid < pg_snapshot_xmin(pg_current_snapshot())
order by e.txid, e.id
limit %(limit)s;

-- name: history -> Row
-- What was done to one collection, newest first, in the order in which it was done.
select
    e.txid::text as txid, e.id, e.at, e.verb, a.name as actor, e.api, e.revision, e.before, e.after, e.reason,
    e.collection_id, c.public_id as collection, e.item_id, s.id is not null as known, s.owner_id,
    coalesce(s.visibility, 'private') as visibility, s.deleted_at is not null as deleted,
    coalesce(c.kind <> 'showcase', false) as open, false as nameless
from events as e
inner join items as s on e.collection_id = s.id
left join accounts as a on e.actor_id = a.id
left join collections as c on e.collection_id = c.id
where e.collection_id = %(collection_id)s and e.id < %(below)s::bigint
order by e.id desc
limit %(limit)s;

-- name: head
-- The oldest transaction still running: everything before it is in the record for good, nothing of it is yet.
select pg_snapshot_xmin(pg_current_snapshot())::text;

-- name: subject -> Subject
-- Whose a collection is and who may know of it, by its public id.
select c.id, i.owner_id, i.visibility, i.deleted_at is not null as deleted
from collections as c
inner join items as i on c.id = i.id
where c.public_id = %(public_id)s;

-- name: faces -> Face
-- By what names people know items, and who may see them.
select
    i.id, i.kind,
    case when o.name is null then '' else o.name || '/' end || i.name || coalesce('-' || c.public_id, '') as address,
    i.owner_id, i.visibility, i.deleted_at is not null as deleted
from items as i
left join accounts as o on i.owner_id = o.id
left join collections as c on i.id = c.id
where i.id = any(%(ids)s::integer []);

-- name: owners
-- The names of accounts.
select a.id, a.name from accounts as a where a.id = any(%(ids)s::integer []);

-- name: forget
-- Drop what the events of a collection say beyond who did what and when, for a collection that is gone for good.
update events set before = null, after = null, reason = null where collection_id = %(collection_id)s;

-- name: purge
-- Drop what happened before a moment.
delete from events where at < %(before)s;

-- name: lock_key
-- Let one request with an idempotency key at a time go on, until its transaction ends.
select pg_advisory_xact_lock(%(lock)s::bigint);

-- name: find_answer -> Kept
-- The answer that a request with this idempotency key got.
select k.request_digest, k.status, k.answer
from idempotency_keys as k
where k.user_id = %(user_id)s and k.key = %(key)s and k.created_at > now() - %(lifetime)s::interval;

-- name: keep_answer
-- Keep the answer to a request with an idempotency key.
insert into idempotency_keys (user_id, key, request_digest, status, answer)
values (%(user_id)s, %(key)s, %(request_digest)s, %(status)s, %(answer)s)
on conflict (user_id, key) do update
set request_digest = excluded.request_digest, status = excluded.status, answer = excluded.answer, created_at = now();

-- name: purge_answers
-- Forget the answers that are too old to be asked for again.
delete from idempotency_keys where created_at < now() - %(lifetime)s::interval;
