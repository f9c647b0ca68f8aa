-- name: deeds
-- A page of what was done in an account, newest first, and how much there is in all (of which a page beyond it says as much):
-- from the record, and what people did with the items of queues, where the time that it took is a deed of its own.
with deeds as (
    select
        e.at, 1 as part, e.id, e.verb, e.actor_id, e.item_id as project_id,
        case when jsonb_typeof(f.facts -> 'dataset') = 'number' then (f.facts ->> 'dataset')::integer end as dataset_id,
        null::integer as item_id,
        case when jsonb_typeof(f.facts -> 'job') = 'number' then (f.facts ->> 'job')::integer end as job_id,
        null::integer as labeler_id, null::double precision as seconds, f.facts
    from events as e
    cross join lateral (select coalesce(e.after, e.before, '{}') as facts) as f
    where e.account_id = %(account_id)s::integer and e.verb = any(%(verbs)s::text [])
    and (e.verb <> 'item.created' or f.facts ->> 'kind' = 'project')
    union all
    select
        l.at, 2, l.id, s.verb, l.actor_id, q.project_id, null, l.item_id, l.job_id,
        case when l.verb in ('accepted', 'rejected', 'checked', 'reopened') then w.labeler_id else l.actor_id end,
        l.seconds, case when l.comment is null then '{}' else jsonb_build_object('comment', l.comment) end
    from items as p
    inner join queues as q on p.id = q.project_id
    inner join work_log as l on q.id = l.queue_id
    left join work as w on l.queue_id = w.queue_id and l.item_id = w.item_id and l.round = w.round
    cross join lateral (
        select 'work.' || l.verb as verb
        union all
        select 'work.timed' where l.seconds is not null
    ) as s
    where p.owner_id = %(account_id)s::integer and p.kind = 'project' and s.verb = any(%(verbs)s::text [])
),
found as materialized (
    select d.*
    from deeds as d
    where (%(actors)s::integer [] is null or d.actor_id = any(%(actors)s::integer []))
    and (%(projects)s::integer [] is null or d.project_id = any(%(projects)s::integer []))
    and (%(jobs)s::integer [] is null or d.job_id = any(%(jobs)s::integer []))
    and (%(labelers)s::integer [] is null or d.labeler_id = any(%(labelers)s::integer []))
    and (%(since)s::timestamptz is null or d.at >= %(since)s::timestamptz)
    and (%(until)s::timestamptz is null or d.at <= %(until)s::timestamptz)
)
select
    t.total, d.at, d.verb, d.actor_id, a.name as actor, d.project_id, p.name as project, s.id as dataset_id, s.name as dataset,
    d.item_id, i.name as item, d.job_id, j.name as job, d.seconds, d.facts
from (select count(*) as total from found) as t
left join lateral (
    select f.* from found as f
    order by f.at desc, f.part desc, f.id desc, f.verb
    limit %(limit)s offset %(offset)s
) as d on true
left join accounts as a on d.actor_id = a.id
left join items as p on d.project_id = p.id
left join media as m on d.item_id = m.item_id
left join datasets as s on s.id = coalesce(d.dataset_id, m.dataset_id)
left join items as i on d.item_id = i.id
left join jobs as j on d.job_id = j.id
order by d.at desc, d.part desc, d.id desc, d.verb;
