-- name: webhook_owner -> WebhookOwner
-- The account of that name, as what a webhook would belong to.
select a.id, a.kind, a.name, null::integer as collection_id, 'public' as visibility
from accounts as a
where lower(a.name) = lower(%(name)s::text) and a.deleted_at is null;

-- name: webhook_collection -> WebhookOwner
-- The owner of the collection of that public id, and the collection, as what a webhook would belong to.
select o.id, o.kind, o.name, c.id as collection_id, i.visibility
from collections as c
inner join items as i on c.id = i.id
inner join accounts as o on i.owner_id = o.id
where c.public_id = %(public_id)s::text and i.deleted_at is null;

-- name: count_webhooks
-- How many webhooks an account has, those of its collections with them.
select count(*)
from webhooks as w
left join items as i on w.collection_id = i.id
where coalesce(i.owner_id, w.account_id) = %(account_id)s::integer;

-- name: create_webhook
-- A new webhook, which is told what happens from now on.
insert into webhooks (account_id, collection_id, url, key, verbs, created_by, bound_to)
values (
    %(account_id)s::integer, %(collection_id)s::integer, %(url)s, %(key)s, %(verbs)s::text [],
    %(created_by)s::integer, %(bound_to)s::integer
)
returning id;

-- name: webhook -> Webhook
-- One webhook, with whose it is now: a collection may have changed its owner.
select
    w.id, o.id as owner_id, o.kind as owner_kind, o.name as account, c.public_id as collection, w.url, w.verbs,
    w.active, w.problem, u.name as created_by, w.created_at, w.updated_at
from webhooks as w
left join collections as c on w.collection_id = c.id
left join items as i on w.collection_id = i.id
inner join accounts as o on o.id = coalesce(i.owner_id, w.account_id)
left join accounts as u on w.created_by = u.id
where w.id = %(id)s::integer and o.deleted_at is null;

-- name: webhooks -> Webhook
-- A page of the webhooks that somebody manages: those of accounts (registries apart) and those of collections, each by the
-- owners on which he may; null for all.
select
    w.id, o.id as owner_id, o.kind as owner_kind, o.name as account, c.public_id as collection, w.url, w.verbs,
    w.active, w.problem, u.name as created_by, w.created_at, w.updated_at
from webhooks as w
left join collections as c on w.collection_id = c.id
left join items as i on w.collection_id = i.id
inner join accounts as o on o.id = coalesce(i.owner_id, w.account_id)
left join accounts as u on w.created_by = u.id
where
    o.deleted_at is null and w.id > %(after)s::integer
    and (%(account)s::text is null or lower(o.name) = lower(%(account)s::text))
    and (%(collection)s::text is null or c.public_id = %(collection)s::text)
    and case
        when w.collection_id is not null
            then %(curated)s::integer [] is null or o.id = any(%(curated)s::integer [])
        when o.kind = 'registry'
            then %(registries)s::integer [] is null or o.id = any(%(registries)s::integer [])
        else %(managed)s::integer [] is null or o.id = any(%(managed)s::integer [])
    end
order by w.id
limit %(limit)s::integer;

-- name: update_webhook
-- New values for a webhook; null leaves one as it is.
update webhooks
set
    url = coalesce(%(url)s::text, url), verbs = coalesce(%(verbs)s::text [], verbs),
    key = coalesce(%(key)s::bytea, key), updated_at = now()
where id = %(id)s::integer;

-- name: pause_webhook
-- Stop a webhook; `problem` says why, where it was not somebody's wish.
update webhooks
set active = false, problem = %(problem)s::text, updated_at = now()
where id = %(id)s::integer and active;

-- name: resume_webhook
-- Let a stopped webhook go on in somebody's name: with what waits to be sent, and with what happens from now on.
update webhooks
set
    active = true, problem = null, created_by = %(user_id)s::integer, bound_to = %(bound_to)s::integer,
    seen_txid = pg_current_xact_id(), seen_id = 0, due_at = now(), updated_at = now()
where id = %(id)s::integer and not active;

-- name: delete_webhook
-- Forget a webhook, and what it was sent.
delete from webhooks where id = %(id)s::integer;

-- name: deliveries -> Delivery
-- A page of what a webhook was sent, the last first.
select
    d.id, d.webhook_id, d.event_txid::text || '.' || d.event_id as event, d.verb, d.state, d.attempts, d.status,
    d.answer, d.error, d.replay_of, d.created_at, d.sent_at,
    case when d.state = 'waiting' then d.next_at end as next_at, d.ended_at
from webhook_deliveries as d
where
    d.webhook_id = %(webhook_id)s::integer and d.id < %(below)s::bigint
    and (%(state)s::text is null or d.state = %(state)s::text)
order by d.id desc
limit %(limit)s::integer;

-- name: delivery -> Delivery
-- One of the messages to a webhook.
select
    d.id, d.webhook_id, d.event_txid::text || '.' || d.event_id as event, d.verb, d.state, d.attempts, d.status,
    d.answer, d.error, d.replay_of, d.created_at, d.sent_at,
    case when d.state = 'waiting' then d.next_at end as next_at, d.ended_at
from webhook_deliveries as d
where d.webhook_id = %(webhook_id)s::integer and d.id = %(id)s::bigint;

-- name: delivery_body
-- What a message said.
select d.body from webhook_deliveries as d where d.id = %(id)s::bigint;

-- name: replay
-- Send a message once more, as it was.
insert into webhook_deliveries (webhook_id, event_txid, event_id, replay_of, verb, body)
select d.webhook_id, d.event_txid, d.event_id, d.id, d.verb, d.body
from webhook_deliveries as d
where d.webhook_id = %(webhook_id)s::integer and d.id = %(id)s::bigint
returning id;

-- name: untold
-- Whether anything may have happened behind a place that some webhook was not told of. It is asked all the time, so it
-- reads one row of an index, which the order makes sure of.
select exists(select from webhooks as w where w.active) and (
    select e.id
    from events as e
    where (e.txid, e.id) > (%(txid)s::text::xid8, %(id)s::bigint) and e.txid < pg_snapshot_xmin(pg_current_snapshot())
    order by e.txid, e.id
    limit 1
) is not null;

-- name: take_turn
-- Whether nobody else reads the record for the webhooks just now; nobody else does until the transaction ends.
select pg_try_advisory_xact_lock(1003, 0);

-- name: least_told
-- How far the webhook that has been told least has been told.
select w.seen_txid::text, w.seen_id from webhooks as w where w.active order by w.seen_txid, w.seen_id limit 1;

-- name: listeners -> Listener
-- All webhooks that are to be told, with the accounts whose things each hears of: an organization's of its teams' and
-- registries', too.
select
    w.id, w.collection_id, w.verbs, w.seen_txid::text as txid, w.seen_id,
    case
        when w.collection_id is null then w.account_id || array(
            select a.id from accounts as a where a.organization_id = w.account_id and a.deleted_at is null
        )
        else '{}'
    end as accounts
from webhooks as w
where w.active;

-- name: keepers -> Keeper
-- In whose name webhooks are told, and the roles of his that count: those that everybody has who may manage the webhook.
-- An administrator of the server stands for an admin of the owner.
select
    w.id, o.id as owner_id, o.kind as owner_kind, o.name as owner, w.collection_id is not null as of_collection,
    u.id as user_id, coalesce(u.name, '') as name,
    coalesce(array_agg(r.account_id) filter (where r.account_id is not null), '{}') as accounts,
    coalesce(array_agg(r.role) filter (where r.account_id is not null), '{}') as roles
from webhooks as w
left join items as i on w.collection_id = i.id
inner join accounts as o on o.id = coalesce(i.owner_id, w.account_id)
left join accounts as u on w.created_by = u.id and u.deleted_at is null
left join lateral (
    select h.account_id, h.role
    from (
        select g.account_id, g.role from roles_of(u.id) as g
        union all
        select a.id, 'admin' from accounts as a
        where u.is_admin and a.deleted_at is null and (a.id = o.id or a.organization_id = o.id)
    ) as h
    left join accounts as a on h.account_id = a.id
    where
        (w.bound_to is null or h.account_id = w.bound_to)
        and (
            h.account_id = o.id or o.id = u.id
            or (w.collection_id is null and a.organization_id = o.id)
        )
) as r on true
where w.id = any(%(ids)s::integer [])
group by w.id, o.id, u.id;

-- name: told_collections -> ToldCollection
-- Collections as messages name them.
select c.id, c.public_id, c.kind, o.name || '/' || i.name || '-' || c.public_id as slug, i.title
from collections as c
inner join items as i on c.id = i.id
inner join accounts as o on i.owner_id = o.id
where c.id = any(%(ids)s::integer []);

-- name: next_deliveries
-- Numbers for new messages.
select nextval(pg_get_serial_sequence('webhook_deliveries', 'id')) from generate_series(1, %(count)s::integer);

-- name: put_deliveries
-- New messages, in their order.
insert into webhook_deliveries (id, webhook_id, event_txid, event_id, verb, body)
overriding system value
select n.id, n.webhook_id, n.txid::xid8, n.event_id, n.verb, n.body
from unnest(
    %(ids)s::bigint [], %(webhooks)s::integer [], %(txids)s::text [], %(events)s::bigint [], %(verbs)s::text [],
    %(bodies)s::text []
) as n (id, webhook_id, txid, event_id, verb, body);

-- name: wake
-- There is something to send to webhooks now.
update webhooks set due_at = least(due_at, now()) where id = any(%(ids)s::integer []);

-- name: told
-- Note how far all webhooks have been told.
update webhooks
set seen_txid = %(txid)s::text::xid8, seen_id = %(id)s::bigint
where active and (seen_txid, seen_id) < (%(txid)s::text::xid8, %(id)s::bigint);

-- name: claim
-- Take some webhooks to which there is something to send; nobody else sends to them for a while.
update webhooks
set busy_until = now() + %(lease)s::interval
where id in (
    select w.id
    from webhooks as w
    where w.active and w.due_at <= now() and (w.busy_until is null or w.busy_until < now())
    order by w.due_at
    limit %(limit)s::integer
    for update skip locked
)
returning id;

-- name: target -> Target
-- Where to send messages of a webhook, held until the transaction ends: whoever writes more to send waits, and is seen.
select w.id, w.url, w.key, w.active from webhooks as w where w.id = %(id)s::integer for no key update;

-- name: due_delivery -> Due
-- The message to send next, if it is time: the first in line, else the one that stepped aside the longest ago.
(
    select d.id, d.verb, d.body, d.attempts
    from (
        select f.id, f.verb, f.body, f.attempts, f.next_at
        from webhook_deliveries as f
        where f.webhook_id = %(webhook_id)s::integer and f.state = 'waiting' and not f.aside
        order by f.id
        limit 1
    ) as d
    where d.next_at <= now()
)
union all
(
    select d.id, d.verb, d.body, d.attempts
    from webhook_deliveries as d
    where d.webhook_id = %(webhook_id)s::integer and d.state = 'waiting' and d.aside and d.next_at <= now()
    order by d.next_at
    limit 1
)
limit 1;

-- name: keep_busy
-- Go on sending to a webhook: nobody else does for a while.
update webhooks set busy_until = now() + %(lease)s::interval where id = %(id)s::integer;

-- name: rest
-- Have done with a webhook until its next message is due. It must be held (`target`), so that nothing new goes unseen.
update webhooks as w
set
    busy_until = null,
    due_at = least(
        (
            select d.next_at from webhook_deliveries as d
            where d.webhook_id = w.id and d.state = 'waiting' and not d.aside
            order by d.id limit 1
        ),
        (
            select d.next_at from webhook_deliveries as d
            where d.webhook_id = w.id and d.state = 'waiting' and d.aside
            order by d.next_at limit 1
        )
    )
where w.id = %(id)s::integer;

-- name: let_go
-- Let others send to webhooks: who was sending is about to end.
update webhooks set busy_until = null where id = any(%(ids)s::integer []);

-- name: note_attempt
-- Write down how sending a message went: with `wait` it is tried again after so long, else that was the last time.
update webhook_deliveries
set
    attempts = attempts + 1,
    state = case when %(delivered)s::boolean then 'delivered' when %(wait)s::interval is null then 'failed' else state end,
    next_at = now() + coalesce(%(wait)s::interval, '0'::interval),
    ended_at = case when %(delivered)s::boolean or %(wait)s::interval is null then now() end,
    sent_at = %(sent_at)s::timestamptz, status = %(status)s::integer, answer = %(answer)s::text, error = %(error)s::text
where id = %(id)s::bigint and state = 'waiting';

-- name: forget_deliveries
-- Drop what was sent, or given up, so long ago.
delete from webhook_deliveries where ended_at < now() - %(age)s::interval;

-- name: unheard
-- Webhooks that took nothing lately: at least so many messages in a row were given up, the first of them so long ago.
select w.id, w.account_id
from webhooks as w
inner join lateral (
    select count(*) as failures, min(f.created_at) as since
    from webhook_deliveries as f
    where f.webhook_id = w.id and f.state = 'failed' and f.id > coalesce(
        (
            select d.id from webhook_deliveries as d
            where d.webhook_id = w.id and d.state = 'delivered'
            order by d.id desc limit 1
        ), 0
    )
) as n on n.failures >= %(failures)s::integer and n.since < now() - %(age)s::interval
where w.active;

-- name: forget_orphans
-- Drop the webhooks whose owners are gone.
delete from webhooks as w
using accounts as o
where o.id = coalesce((select i.owner_id from items as i where i.id = w.collection_id), w.account_id)
and o.deleted_at is not null;
