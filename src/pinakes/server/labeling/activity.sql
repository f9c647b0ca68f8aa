-- name: deeds -> DeedRow
-- A page of what was done in an account, newest first, and how much there is in all (of which a page beyond it says as much):
-- from the record; what people did with the items of queues, where the time that it took is a deed of its own; and what they
-- drew, changed and removed, from the figures and tags that are there and from the history of figures.
with mine as materialized (
    select p.id
    from items as p
    where p.owner_id = %(account_id)s::integer and p.kind = 'project'
    and (%(projects)s::integer [] is null or p.id = any(%(projects)s::integer []))
),
attached as materialized (
    select t.created_at as at, t.id, t.created_by as actor_id, g.project_id, o.dataset_id,
        coalesce(t.item_id, f.item_id, o.item_id) as item_id, coalesce(f.class_id, o.class_id) as class_id, t.figure_id,
        t.tag_id
    from mine as p
    inner join label_tags as g on p.id = g.project_id
    inner join tagged as t on g.id = t.tag_id
    left join figures as f on t.figure_id = f.id
    left join label_objects as o on t.object_id = o.id
    where 'tag.attached' = any(%(verbs)s::text []) and %(jobs)s::integer [] is null
    and (%(since)s::timestamptz is null or t.created_at >= %(since)s::timestamptz)
    and (%(until)s::timestamptz is null or t.created_at <= %(until)s::timestamptz)
    -- A figure that was brought back has its tags again, as if they had been put there at that moment.
    and not exists (select from figure_history as h where h.figure_id = t.figure_id and h.removed)
),
versions as (
    select
        h.figure_id, h.item_id, h.class_id, h.created_by, h.created_at, h.since, h.until, h.changed_by, h.removed,
        m.project_id, f.id as there, f.updated_by, f.updated_at, row_number() over w as nth,
        lag(h.removed) over w as came_back, lead(h.removed) over w is null as is_last
    from mine as p
    inner join media as m on p.id = m.project_id
    inner join figure_history as h on m.item_id = h.item_id
    left join figures as f on h.figure_id = f.id
    where array['figure.created', 'figure.changed', 'figure.removed', 'figure.restored'] && %(verbs)s::text []
    and %(jobs)s::integer [] is null
    window w as (partition by h.figure_id order by h.until)
),
deeds as (
    select
        e.at, 1 as part, e.id, e.verb, e.actor_id, e.item_id as project_id,
        case when jsonb_typeof(f.facts -> 'dataset') = 'number' then (f.facts ->> 'dataset')::integer end as dataset_id,
        null::integer as item_id, null::integer as class_id, null::integer as figure_id,
        case
            when e.verb = 'tag.reset' and jsonb_typeof(f.facts -> 'tag') = 'number' then (f.facts ->> 'tag')::integer
        end as tag_id,
        case when jsonb_typeof(f.facts -> 'job') = 'number' then (f.facts ->> 'job')::integer end as job_id,
        null::integer as labeler_id, null::double precision as seconds, f.facts
    from events as e
    cross join lateral (select coalesce(e.after, e.before, '{}') as facts) as f
    left join (select distinct a.at, a.project_id, coalesce(a.actor_id, 0) as actor_id from attached as a) as a
        on e.at = a.at and e.item_id = a.project_id and coalesce(e.actor_id, 0) = a.actor_id
    where e.account_id = %(account_id)s::integer and e.verb = any(%(verbs)s::text [])
    and (e.verb <> 'item.created' or f.facts ->> 'kind' = 'project')
    -- Tags that are still there are told one by one.
    and (e.verb <> 'tags.put' or a.at is null)
    union all
    select
        l.at, 2, l.id, s.verb, l.actor_id, q.project_id, null, l.item_id, null, null, null, l.job_id,
        case when l.verb in ('accepted', 'rejected', 'checked', 'reopened') then w.labeler_id else l.actor_id end,
        l.seconds, case when l.comment is null then '{}' else jsonb_build_object('comment', l.comment) end
    from mine as p
    inner join queues as q on p.id = q.project_id
    inner join work_log as l on q.id = l.queue_id
    left join work as w on l.queue_id = w.queue_id and l.item_id = w.item_id and l.round = w.round
    cross join lateral (
        select 'work.' || l.verb as verb
        union all
        select 'work.timed' where l.seconds is not null
    ) as s
    where s.verb = any(%(verbs)s::text [])
    union all
    select
        f.created_at, 3, f.id, 'figure.created', f.created_by, p.id, null, f.item_id, f.class_id, f.id, null, null,
        f.created_by, null, '{}'
    from mine as p
    inner join media as m on p.id = m.project_id
    inner join figures as f on m.item_id = f.item_id
    where 'figure.created' = any(%(verbs)s::text []) and %(jobs)s::integer [] is null
    union all
    select
        d.at, 4, v.figure_id, d.verb, d.actor_id, v.project_id, null, v.item_id, v.class_id, v.figure_id, null, null,
        v.created_by, null, '{}'
    from versions as v
    cross join lateral (
        select v.created_at as at, 'figure.created' as verb, v.created_by as actor_id where v.nth = 1 and v.there is null
        union all
        select v.until, case when v.removed then 'figure.removed' else 'figure.changed' end, v.changed_by
        -- Who brought it back is known until it is changed again.
        union all
        select v.since, 'figure.restored', null where v.came_back
        union all
        select v.updated_at, 'figure.restored', v.updated_by where v.removed and v.is_last and v.there is not null
    ) as d
    where d.verb = any(%(verbs)s::text [])
    union all
    select
        a.at, 5, a.id, 'tag.attached', a.actor_id, a.project_id, a.dataset_id, a.item_id, a.class_id, a.figure_id, a.tag_id,
        null, a.actor_id, null, '{}'
    from attached as a
),
found as not materialized (
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
    d.item_id, i.name as item, d.class_id, c.name as label_class, d.figure_id, d.tag_id, g.name as tag, d.job_id,
    j.name as job, d.seconds, d.facts
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
left join label_classes as c on d.class_id = c.id
left join label_tags as g on d.tag_id = g.id
left join jobs as j on d.job_id = j.id
order by d.at desc, d.part desc, d.id desc, d.verb;
