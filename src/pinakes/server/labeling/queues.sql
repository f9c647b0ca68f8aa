-- name: queue_place -> Place
-- What a queue over a collection or dataset would be in: the project, whose it is, and whether it is in the trash.
select p.id as project_id, p.owner_id, p.visibility, (p.deleted_at is not null or s.gone) as trashed
from (
    select e.project_id, i.deleted_at is not null as gone
    from selections as e
    inner join items as i on e.collection_id = i.id
    where e.collection_id = %(collection_id)s::integer
    union all
    select d.project_id, d.deleted_at is not null
    from datasets as d
    where d.id = %(dataset_id)s::integer
) as s
inner join items as p on s.project_id = p.id;

-- name: without_role
-- Those of some users who have no role in an account, or are no users at all.
select u.id
from unnest(%(users)s::integer []) as u (id)
where not exists (
    select from accounts as a
    cross join lateral roles_of(a.id) as r
    where a.id = u.id and a.kind = 'user' and a.deleted_at is null and r.account_id = %(account_id)s::integer
)
order by u.id;

-- name: create_queue
-- Make a queue; return its id.
insert into queues (
    project_id, source, collection_id, dataset_id, restricted, name, description, readme, settings, include_tags,
    exclude_tags, quality_check, review_own, overlap, blind, lease_seconds, created_by, status
)
values (
    %(project_id)s::integer, %(source)s, %(collection_id)s::integer, %(dataset_id)s::integer, %(restricted)s, %(name)s,
    %(description)s, %(readme)s, %(settings)s::jsonb, %(include_tags)s::text [], %(exclude_tags)s::text [],
    %(quality_check)s, %(review_own)s, %(overlap)s, %(blind)s, %(lease_seconds)s, %(created_by)s::integer, 'pending'
)
returning id;

-- name: create_jobs
-- Make the jobs of people in a queue, who have none in that part yet; return their ids in the order of the people.
with made as (
    insert into jobs (queue_id, user_id, part, name, description, readme, reviewer_id, created_by)
    select
        %(queue_id)s::integer, a.id, %(part)s, left(replace(%(name)s, '{}', a.name), 512), %(description)s, %(readme)s,
        case when %(part)s = 'annotate' then %(reviewer_id)s::integer else a.id end, %(created_by)s::integer
    from unnest(%(users)s::integer []) with ordinality as u (id, place)
    inner join accounts as a on u.id = a.id
    where not exists (
        select from jobs as j
        where j.queue_id = %(queue_id)s::integer and j.user_id = u.id and j.part = %(part)s and j.archived_at is null
    )
    order by u.place
    returning id
)
select id from made order by id;

-- name: restrict_queue
-- Put the items that a queue is made of into it, each to wait, as far as its source has them: those that are named, and of
-- them those from one place to another in the source's order.
insert into work (queue_id, item_id, status, order_key)
select f.queue_id, f.item_id, 'pending', f.order_key
from (
    select s.queue_id, s.item_id, s.order_key, row_number() over (order by s.order_key, s.item_id) as place
    from (
        select q.id as queue_id, e.item_id, e.order_key
        from queues as q
        inner join entries as e on q.collection_id = e.collection_id
        where q.id = %(queue_id)s::integer
        union all
        select q.id, m.item_id, media_key(m.custom_sort, m.item_id)
        from queues as q
        inner join media as m on q.dataset_id = m.dataset_id
        inner join items as i on m.item_id = i.id
        where q.id = %(queue_id)s::integer and i.deleted_at is null
    ) as s
    where /* part: chosen */ true
) as f
where f.place >= %(first)s::bigint and (%(last)s::bigint is null or f.place <= %(last)s::bigint)
order by f.item_id
on conflict do nothing;

-- name: deal_items
-- Deal the items of a dataset (or of a collection), or those of them that are named, out to jobs in turn; of them those from
-- one place to another.
insert into work (queue_id, item_id, status, order_key, job_id, labeler_id)
select q.id, f.item_id, 'held', f.order_key, j.id, j.user_id
from (
    select s.item_id, s.order_key, row_number() over (order by s.order_key, s.item_id) as place, s.queue_id
    from (
        select m.item_id, media_key(m.custom_sort, m.item_id) as order_key, u.id as queue_id
        from queues as u
        inner join media as m on u.dataset_id = m.dataset_id
        inner join items as i on m.item_id = i.id
        where u.id = %(queue_id)s::integer and i.deleted_at is null
        and (not u.filtered or item_fits(m.item_id, u.project_id, u.include_tags, u.exclude_tags))
        union all
        select e.item_id, e.order_key, u.id
        from queues as u
        inner join entries as e on u.collection_id = e.collection_id
        where u.id = %(queue_id)s::integer
    ) as s
    where /* part: chosen */ true
) as f
inner join queues as q on f.queue_id = q.id
inner join jobs as j
    on j.id = (%(jobs)s::integer [])[1 + mod(f.place - %(first)s::bigint, cardinality(%(jobs)s::integer [])::bigint)]
where f.place >= %(first)s::bigint and (%(last)s::bigint is null or f.place <= %(last)s::bigint)
order by f.item_id;

-- name: find_queues -> Found
-- The ids of a page of the queues that somebody sees, and how many there are in all.
with found as (
    select q.id
    from queues as q
    inner join items as p on q.project_id = p.id
    inner join projects as f on p.id = f.item_id
    where q.removed_at is null and q.source <> 'list' and p.deleted_at is null
    and (
        %(everything)s or p.owner_id = any(%(accounts)s::integer [])
        or (
            p.owner_id = any(%(at_work)s::integer [])
            and exists (
                select from jobs as j where j.queue_id = q.id and j.user_id = %(user_id)s::integer and j.archived_at is null
            )
        )
    )
    and (%(account_id)s::integer is null or p.owner_id = %(account_id)s::integer)
    and (%(project_id)s::integer is null or q.project_id = %(project_id)s::integer)
    and (%(dataset_id)s::integer is null or q.dataset_id = %(dataset_id)s::integer)
    and (
        %(collection_id)s::integer is null
        or (
            q.collection_id = %(collection_id)s::integer
            and exists (
                select from items as c
                where c.id = q.collection_id and readable(c.visibility, c.owner_id, %(everything)s, %(accounts)s::integer [])
            )
        )
    )
    and (%(ids)s::integer [] is null or q.id = any(%(ids)s::integer []))
    and (%(names)s::text [] is null or q.name = any(%(names)s::text []))
    and (%(statuses)s::text [] is null or q.status = any(%(statuses)s::text []))
    and (%(created_by)s::integer is null or q.created_by = %(created_by)s::integer)
)
select
    (select count(*)::integer from found) as total,
    array(select f.id from found as f order by f.id limit %(limit)s offset %(offset)s) as ids;

-- name: queues -> QueueRow
-- Queues as somebody sees them, by id: who only works in one sees his own jobs, no counts, and of the collection that it is over
-- neither name nor number, unless he sees that.
select
    q.id, p.owner_id as account_id, a.name as account, f.workspace_id, q.project_id, p.name as project, f.data_type,
    q.source, c.id as collection_id, c.title as collection, q.dataset_id, d.name as dataset, q.name, q.description, q.readme,
    q.status, q.settings, q.overlap, q.blind, q.lease_seconds, q.created_by as created_by_id, u.name as created_by,
    q.created_at, q.started_at, q.finished_at,
    coalesce((
        select jsonb_agg(jsonb_build_array(j.user_id, o.name, j.id, j.part) order by j.id)
        from jobs as j
        inner join accounts as o on j.user_id = o.id
        where j.queue_id = q.id and j.archived_at is null and (s.whole or j.user_id = %(user_id)s::integer)
    ), '[]') as people,
    s.whole,
    k.entities, k.untouched + k.back + k.expired as pending, k.held + k.rejected as in_progress,
    k.done + k.checked as on_review, k.accepted, k.rejected, k.skipped,
    exists (select from live_collections as v where v.collection_id = q.collection_id) as is_live
from queues as q
inner join items as p on q.project_id = p.id
inner join projects as f on p.id = f.item_id
inner join accounts as a on p.owner_id = a.id
left join items as c on q.collection_id = c.id
and readable(c.visibility, c.owner_id, %(everything)s, %(accounts)s::integer [])
left join datasets as d on q.dataset_id = d.id
left join accounts as u on q.created_by = u.id
cross join lateral (
    select %(everything)s or p.owner_id = any(%(accounts)s::integer []) as whole
) as s
cross join lateral queue_counts(q.id) as k
where q.id = any(%(ids)s::integer []) and q.removed_at is null and p.deleted_at is null
and (%(listed)s or q.source <> 'list')
and (
    s.whole
    or (
        p.owner_id = any(%(at_work)s::integer [])
        and exists (
            select from jobs as j where j.queue_id = q.id and j.user_id = %(user_id)s::integer and j.archived_at is null
        )
    )
)
order by q.id;

-- name: stale_sources
-- The live collections that queues which somebody sees are over, that are not in the trash, and that were brought up to date
-- longer ago than a reader takes for now; none where nothing can be written.
select distinct v.collection_id
from queues as q
inner join items as p on q.project_id = p.id
inner join live_collections as v on q.collection_id = v.collection_id
inner join items as c on v.collection_id = c.id
where q.id = any(%(ids)s::integer []) and q.removed_at is null and c.deleted_at is null
and (
    %(everything)s or p.owner_id = any(%(accounts)s::integer []) or p.owner_id = any(%(at_work)s::integer [])
)
and (v.refreshed_at is null or v.refreshed_at < clock_timestamp() - %(age)s::double precision * interval '1 second')
and current_setting('transaction_read_only') = 'off'
order by v.collection_id;

-- name: hold_queue
-- Keep a queue as it is until the transaction ends.
select id from queues where id = %(id)s::integer for no key update;

-- name: update_queue
-- Change what is said about a queue; null: it stays. What is asked of further annotators follows for items given out already.
with former as (
    select q.id, q.overlap from queues as q where q.id = %(id)s::integer for no key update
),
changed as (
    update queues as q
    set name = coalesce(%(name)s::text, q.name), description = coalesce(%(description)s::text, q.description),
        readme = coalesce(%(readme)s::text, q.readme), settings = coalesce(%(settings)s::jsonb, q.settings),
        include_tags = coalesce(%(include_tags)s::text [], q.include_tags),
        exclude_tags = coalesce(%(exclude_tags)s::text [], q.exclude_tags),
        quality_check = coalesce(%(quality_check)s::boolean, q.quality_check),
        review_own = coalesce(%(review_own)s::boolean, q.review_own),
        overlap = coalesce(%(overlap)s::smallint, q.overlap), blind = coalesce(%(blind)s::boolean, q.blind),
        lease_seconds = coalesce(%(lease_seconds)s::integer, q.lease_seconds),
        frontier = case when %(include_tags)s::text [] is null then q.frontier else '' end,
        frontier_sort = case when %(include_tags)s::text [] is null then q.frontier_sort else '-Infinity' end,
        frontier_item = case when %(include_tags)s::text [] is null then q.frontier_item else 0 end
    where q.id = %(id)s::integer
    returning q.id
)
update work as w
set more = greatest(0, w.more + %(overlap)s::smallint - f.overlap)
from former as f
where w.queue_id = f.id and w.round = 1 and w.given_at is not null and %(overlap)s::smallint <> f.overlap;

-- name: unchecked
-- Where there is no check before the review any more, what passed it waits for the review like the rest.
update work set status = 'done' where queue_id = %(queue_id)s::integer and status = 'checked';

-- name: set_queue_status
-- Give queues a status, with the times that follow from it; return those whose status it was not.
update queues as q
set status = %(status)s,
    started_at = case when %(status)s = 'pending' then q.started_at else coalesce(q.started_at, now()) end,
    finished_at = case when %(status)s = 'completed' then now() end
where q.id = any(%(ids)s::integer []) and q.status <> %(status)s
returning q.id;

-- name: follow_queue
-- The jobs of a queue that is completed are, and those of one that goes on do.
update jobs as j
set status = case
        when %(status)s = 'completed' then 'completed' when j.part = 'annotate' then 'in_progress' else 'on_review'
    end,
    finished_at = case when %(status)s = 'completed' then now() end
where j.queue_id = %(queue_id)s::integer and j.archived_at is null
and case when %(status)s = 'completed' then j.status <> 'completed' else j.status = 'completed' end;

-- name: set_job_status
-- Give jobs a status, with the times that follow from it; return those whose status it was not.
update jobs as j
set status = %(status)s,
    started_at = case when %(status)s = 'pending' then j.started_at else coalesce(j.started_at, now()) end,
    finished_at = case when %(status)s = 'completed' then now() end
where j.id = any(%(ids)s::integer []) and j.status <> %(status)s
returning j.id;

-- name: remove_queues
-- Take queues away; the record of their work stays.
update queues set removed_at = now() where id = any(%(ids)s::integer []) and removed_at is null;

-- name: archive_jobs
-- Put jobs into the archive, or take them away.
update jobs as j
set archived_at = coalesce(j.archived_at, now()), removed_at = case when %(remove)s then now() else j.removed_at end
where j.id = any(%(ids)s::integer []) and (j.archived_at is null or %(remove)s);

-- name: archive_jobs_of
-- Put all jobs of a queue away.
update jobs as j
set archived_at = coalesce(j.archived_at, now()), removed_at = now()
where j.queue_id = %(queue_id)s::integer and j.removed_at is null;

-- name: hand_back
-- Put what jobs hold back into the pool at its place, and free what they have reserved; return how many items.
with mine as (
    select w.queue_id, w.item_id, w.round, w.status
    from work as w
    where (w.job_id = any(%(jobs)s::integer []) and w.status in ('held', 'rejected'))
    or (w.review_job_id = any(%(jobs)s::integer []) and w.status in ('done', 'checked'))
    order by w.queue_id, w.item_id, w.round
    for no key update
),
back as (
    update work as w
    set status = case when m.status in ('held', 'rejected') then 'pending' else w.status end,
        job_id = case when m.status in ('held', 'rejected') then null else w.job_id end,
        labeler_id = case when m.status in ('held', 'rejected') then null else w.labeler_id end,
        lease_until = null, review_job_id = null, reviewer_id = null, review_until = null
    from mine as m
    where w.queue_id = m.queue_id and w.item_id = m.item_id and w.round = m.round
    returning w.queue_id, w.item_id, w.round
),
logged as (
    insert into work_log (queue_id, item_id, round, verb, actor_id)
    select b.queue_id, b.item_id, b.round, 'released', %(actor_id)s::integer from back as b
)
select count(*)::integer from back;

-- name: set_priority
-- Give items of a queue a priority, whether they wait, or somebody has them; return how many there are.
with wanted as (
    select q.id as queue_id, f.item_id, f.order_key
    from queues as q
    cross join lateral (
        select e.item_id, e.order_key
        from entries as e
        where e.collection_id = q.collection_id and e.item_id = any(%(items)s::integer [])
        and not q.restricted and q.source <> 'list'
        order by e.item_id
        for key share of e
    ) as f
    where q.id = %(queue_id)s::integer
    union all
    select q.id, f.item_id, f.order_key
    from queues as q
    cross join lateral (
        select m.item_id, media_key(m.custom_sort, m.item_id) as order_key
        from media as m
        inner join items as i on m.item_id = i.id
        where m.dataset_id = q.dataset_id and m.item_id = any(%(items)s::integer []) and i.deleted_at is null
        and not q.restricted and q.source <> 'list'
        order by m.item_id
        for share of m, i
    ) as f
    where q.id = %(queue_id)s::integer
),
put as (
    insert into work as w (queue_id, item_id, status, priority, order_key)
    select f.queue_id, f.item_id, 'pending', %(priority)s::smallint, f.order_key
    from wanted as f
    where %(priority)s::smallint <> 0
    or exists (select from work as o where o.queue_id = f.queue_id and o.item_id = f.item_id)
    order by f.item_id
    on conflict (queue_id, item_id, round) do update
    set priority = excluded.priority,
        order_key = case when excluded.priority = 0 then excluded.order_key else w.order_key end
    where w.present and w.status in ('pending', 'held', 'rejected')
    returning w.item_id
),
others as (
    update work as w set priority = %(priority)s::smallint
    from queues as q
    where w.queue_id = %(queue_id)s::integer and q.id = w.queue_id and w.item_id = any(%(items)s::integer [])
    and w.present and w.status in ('pending', 'held', 'rejected')
    and (q.restricted or q.source = 'list' or w.round > 1)
    returning w.item_id
)
select count(distinct t.item_id)::integer
from (
    select p.item_id from put as p
    union all
    select o.item_id from others as o
    union all
    select f.item_id from wanted as f where %(priority)s::smallint = 0
    and not exists (select from work as o where o.queue_id = f.queue_id and o.item_id = f.item_id)
) as t;

-- name: counts_of -> Standings
-- How a queue stands, with what the list of its items needs to know: how many of each state have a row.
select
    entities, untouched, back, expired, held, done, checked, accepted, rejected, skipped
from queue_counts(%(queue_id)s::integer);

-- name: claim_next -> Claimed
-- Hand a job its next item.
select outcome, item_id, round, state, lease_until, lease_seconds, queue_id, may_be_done, made_of
from claim_next(
    %(job_id)s::integer, %(user_id)s::integer, %(everything)s::boolean, %(workplaces)s::integer [],
    %(fresh_for)s::double precision
);

-- name: look -> Sheet
-- What somebody at work on an item sees of it: the item, what there is to read of its labels, and what he drew on it and has
-- not handed in.
select
    i.id, i.kind, i.owner_id, coalesce(p.workspace_id, w.id) as workspace_id, m.project_id, m.dataset_id, i.name,
    m.description, i.visibility, m.sha256, m.link, m.mime, m.size, m.width, m.height, m.frames, m.meta,
    m.custom_data, m.facts, m.custom_sort, m.parent_id,
    case
        when readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []) then m.label_count
        else labels_seen(m.item_id, m.label_count, %(worker)s::integer)
    end as label_count,
    m.labeled_at, m.has_thumbnail,
    m.created_by as created_by_id, b.name as created_by, i.created_at, i.updated_at,
    exists (select from tagged as t where t.item_id = i.id) as is_tagged,
    sees_only_own(
        i.id, %(user_id)s::integer, readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    ) as only_own,
    (
        select r.annotation
        from drafts as r
        inner join jobs as j on r.queue_id = j.queue_id and r.user_id = j.user_id
        where j.id = %(job_id)s::integer and r.item_id = i.id and r.user_id = %(user_id)s::integer
    ) as draft
from media as m
inner join items as i on m.item_id = i.id
inner join projects as p on m.project_id = p.item_id
inner join workspaces as w on i.owner_id = w.account_id and w.is_first
left join accounts as b on m.created_by = b.id and b.deleted_at is null
where m.item_id = %(item_id)s::integer and i.deleted_at is null
and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (i.owner_id = any(%(at_work)s::integer []) and at_work_on(i.id, %(worker)s::integer))
);

-- name: advance_frontier
-- Move a queue's frontier ahead, so that looking for the next item stays short.
select advance_frontier(%(queue_id)s::integer);

-- name: heartbeat
-- Begin the lease of what a job holds, or has reserved, anew; return when it ends.
update work as w
set lease_until = case
        when w.status = 'held' then statement_timestamp() + make_interval(secs => q.lease_seconds) else w.lease_until
    end,
    review_until = case
        when w.status = 'held' then w.review_until else statement_timestamp() + make_interval(secs => q.lease_seconds)
    end
from queues as q, jobs as j, items as p
where w.queue_id = q.id and j.id = %(job_id)s::integer and j.queue_id = q.id and q.project_id = p.id
and w.item_id = %(item_id)s::integer and w.present and j.archived_at is null
and %(user_id)s::integer in (j.user_id, j.reviewer_id)
and (%(everything)s or p.owner_id = any(%(workplaces)s::integer []))
and case w.status
    when 'held' then w.job_id = j.id and w.lease_until > statement_timestamp()
    else w.review_job_id = j.id and w.status in ('done', 'checked') and w.review_until > statement_timestamp()
end
returning case when w.status = 'held' then w.lease_until else w.review_until end;

-- name: submit -> Task
-- Hand in what a job holds: what is leased to it now, what stays with it, and what was rejected. (`+ 0`: items are looked up by
-- their ids, never among all that the job ever had.) Where nobody noted when the work began, no time is counted: `least`
-- leaves out nulls. What a queue limits is handed in only where that was `watched`; who manages the work hands in anything.
with asked as (
    select w.queue_id, w.item_id, w.round, q.lease_seconds
    from jobs as j
    inner join queues as q on j.queue_id = q.id
    inner join items as p on q.project_id = p.id
    inner join work as w on w.queue_id = q.id and w.job_id + 0 = j.id
    where j.id = %(job_id)s::integer and w.item_id = any(%(items)s::integer []) and w.present
    and j.archived_at is null and q.removed_at is null and p.deleted_at is null
    and (
        (j.user_id = %(user_id)s::integer and (%(everything)s or p.owner_id = any(%(workplaces)s::integer [])))
        or p.owner_id = any(%(managed)s::integer []) or (%(everything)s and %(managing)s)
    )
    and (
        %(watched)s or p.owner_id = any(%(managed)s::integer []) or (%(everything)s and %(managing)s)
        or not q.settings @? '$ ? (@.figures_limit > 0 || @.tags_limit > 0 || exists(@.classes[*]))'
    )
    and case w.status
        when 'held' then w.lease_until is null or w.lease_until > statement_timestamp() else w.status = 'rejected'
    end
    order by w.item_id, w.round
    for no key update of w
),
done as (
    update work as w
    set status = 'done', submitted_at = statement_timestamp(), lease_until = null, review_job_id = null,
        reviewer_id = null, review_until = null, reviewed_at = null,
        labeling_seconds = w.labeling_seconds
        + least(coalesce(extract(epoch from statement_timestamp() - w.given_at), 0), a.lease_seconds)
    from asked as a
    where w.queue_id = a.queue_id and w.item_id = a.item_id and w.round = a.round
    returning w.*, least(coalesce(extract(epoch from statement_timestamp() - w.given_at), 0), a.lease_seconds) as took
),
logged as (
    insert into work_log (queue_id, item_id, round, verb, actor_id, job_id, seconds)
    select d.queue_id, d.item_id, d.round, 'submitted', %(actor_id)s::integer, d.job_id, d.took from done as d
),
undrafted as (
    delete from drafts as r
    using done as d
    where r.queue_id = d.queue_id and r.item_id = d.item_id and r.user_id = d.labeler_id
)
select
    queue_id, item_id, round, status as state, job_id, labeler_id, review_job_id, reviewer_id, lease_until, priority,
    rejections, comment, given_at, submitted_at, reviewed_at
from done
order by item_id;

-- name: give_back -> Task
-- Put what a job holds back into the pool: at its place, or (`behind`) behind all that waits, and not to this labeler again
-- (`for_me`). What is on a list, and so has no pool, is marked as skipped.
with asked as (
    select w.queue_id, w.item_id, w.round, q.lease_seconds, q.source
    from jobs as j
    inner join queues as q on j.queue_id = q.id
    inner join items as p on q.project_id = p.id
    inner join work as w on w.queue_id = q.id and w.job_id + 0 = j.id
    where j.id = %(job_id)s::integer and w.item_id = any(%(items)s::integer []) and w.present
    and j.archived_at is null and q.removed_at is null and p.deleted_at is null
    and (
        (j.user_id = %(user_id)s::integer and (%(everything)s or p.owner_id = any(%(workplaces)s::integer [])))
        or p.owner_id = any(%(managed)s::integer []) or (%(everything)s and %(managing)s)
    )
    and case w.status when 'held' then w.lease_until is null or w.lease_until > statement_timestamp() else false end
    and (%(behind)s or q.source <> 'list')
    order by w.item_id, w.round
    for no key update of w
),
done as (
    update work as w
    set status = case when a.source = 'list' then 'skipped' else 'pending' end,
        job_id = case when a.source = 'list' then w.job_id end,
        labeler_id = case when a.source = 'list' then w.labeler_id end,
        lease_until = null, comment = coalesce(%(comment)s::text, w.comment),
        given_at = coalesce(w.given_at, statement_timestamp()),
        priority = case when %(behind)s then least(w.priority, -1) else w.priority end,
        order_key = case
            when %(behind)s and a.source <> 'list'
                then decode('ff', 'hex') || int8send((extract(epoch from clock_timestamp()) * 1000000)::bigint)
            else w.order_key
        end,
        skipped_by = case when %(for_me)s and a.source <> 'list' then w.skipped_by || w.labeler_id else w.skipped_by end
    from asked as a
    where w.queue_id = a.queue_id and w.item_id = a.item_id and w.round = a.round
    returning w.*, least(coalesce(extract(epoch from statement_timestamp() - w.given_at), 0), a.lease_seconds) as took
),
logged as (
    insert into work_log (queue_id, item_id, round, verb, actor_id, job_id, seconds, comment)
    select
        d.queue_id, d.item_id, d.round, case when %(behind)s then 'skipped' else 'released' end, %(actor_id)s::integer,
        %(job_id)s::integer, d.took, %(comment)s::text
    from done as d
)
select
    queue_id, item_id, round, case when status <> 'pending' then status end as state, job_id, labeler_id, review_job_id,
    reviewer_id, lease_until, priority, rejections, comment, given_at, submitted_at, reviewed_at
from done
order by item_id;

-- name: decide -> Task
-- Decide on items: those rounds that are reserved for a review job, or where none is, all that are in a state from which
-- that step leads. Of a job without a queue: on those of that job. What is reserved for somebody else is left alone.
-- What is to go back to a labeler whose job is in the archive goes back to the pool, where there is one.
with asked as (
    select
        w.queue_id, w.item_id, w.round, q.lease_seconds, q.source = 'list' as is_list,
        coalesce(w.review_job_id = j.id and w.review_until > statement_timestamp(), false) as reserved,
        bool_or(coalesce(w.review_job_id = j.id and w.review_until > statement_timestamp(), false))
            over (partition by w.item_id) as some_reserved
    from jobs as j
    inner join queues as q on j.queue_id = q.id
    inner join work as w on q.id = w.queue_id and (j.part <> 'annotate' or w.job_id = j.id)
    where j.id = %(job_id)s::integer and w.item_id = any(%(items)s::integer []) and w.present
    and w.status = any(%(states)s::text [])
    and (
        w.review_job_id is null or w.review_job_id = j.id or w.review_until is null
        or w.review_until < statement_timestamp() or w.status not in ('done', 'checked')
    )
    and (%(own)s or q.review_own or w.labeler_id is distinct from %(actor_id)s::integer)
),
locked as (
    select
        w.queue_id, w.item_id, w.round, a.lease_seconds, l.user_id as labeler_id,
        %(to)s in ('rejected', 'held') and l.archived_at is not null and not a.is_list as orphaned
    from asked as a
    inner join work as w on a.queue_id = w.queue_id and a.item_id = w.item_id and a.round = w.round
    left join jobs as l on w.job_id = l.id
    where (a.reserved or not a.some_reserved) and w.present and w.status = any(%(states)s::text [])
    order by w.item_id, w.round
    for no key update of w
),
done as (
    update work as w
    set status = case when k.orphaned then 'pending' else %(to)s end,
        job_id = case when not k.orphaned then w.job_id end,
        labeler_id = case
            when k.orphaned then null when %(to)s in ('rejected', 'held') then coalesce(k.labeler_id, w.labeler_id)
            else w.labeler_id
        end,
        review_job_id = case when %(to)s in ('accepted', 'rejected') then %(review_job_id)s::integer end,
        reviewer_id = case when %(to)s in ('accepted', 'rejected') then %(actor_id)s::integer end,
        review_until = null,
        reviewed_at = case when %(to)s in ('accepted', 'rejected') then statement_timestamp() end,
        submitted_at = case
            when %(to)s = 'accepted' then coalesce(w.submitted_at, statement_timestamp()) else w.submitted_at
        end,
        rejections = w.rejections + (%(to)s = 'rejected')::integer,
        given_at = case when %(to)s in ('rejected', 'held') and not k.orphaned then null else w.given_at end,
        lease_until = null,
        review_seconds = w.review_seconds + least(
            coalesce(extract(epoch from statement_timestamp() - w.review_given_at), 0), k.lease_seconds
        ),
        review_given_at = null,
        comment = case when %(to)s = 'rejected' then %(comment)s::text else coalesce(%(comment)s::text, w.comment) end
    from locked as k
    where w.queue_id = k.queue_id and w.item_id = k.item_id and w.round = k.round
    returning w.*
),
logged as (
    insert into work_log (queue_id, item_id, round, verb, actor_id, job_id, comment)
    select d.queue_id, d.item_id, d.round, %(verb)s, %(actor_id)s::integer, %(job_id)s::integer, %(comment)s::text
    from done as d
)
select
    queue_id, item_id, round, case when status <> 'pending' then status end as state, job_id, labeler_id, review_job_id,
    reviewer_id, lease_until, priority, rejections, comment, given_at, submitted_at, reviewed_at
from done
order by item_id, round;

-- name: standing -> Standing
-- How items stand in a job's queue: why a step was refused.
select
    u.id as item_id, w.present, w.status, w.round, w.job_id, w.labeler_id, w.review_job_id,
    coalesce(w.lease_until < statement_timestamp(), false) as lease_ran_out,
    coalesce(w.review_until > statement_timestamp(), false) as reserved,
    (
        exists (select from entries as e where e.item_id = u.id and e.collection_id = q.collection_id)
        or exists (
            select from media as m
            inner join items as i on m.item_id = i.id
            where m.item_id = u.id and m.dataset_id = q.dataset_id and i.deleted_at is null
        )
    ) as in_source
from jobs as j
inner join queues as q on j.queue_id = q.id
cross join unnest(%(items)s::integer []) as u (id)
left join work as w on q.id = w.queue_id and u.id = w.item_id
where j.id = %(job_id)s::integer
order by u.id, w.round;

-- name: tasks -> Task
-- Items of a job as they stand.
select
    w.queue_id, w.item_id, w.round, case when w.status <> 'pending' then w.status end as state, w.job_id, w.labeler_id,
    w.review_job_id, w.reviewer_id, w.lease_until, w.priority, w.rejections, w.comment, w.given_at, w.submitted_at,
    w.reviewed_at
from jobs as j
inner join work as w on j.queue_id = w.queue_id
where j.id = %(job_id)s::integer and w.item_id = any(%(items)s::integer [])
and (j.part <> 'annotate' or w.job_id = j.id)
order by w.item_id, w.round;

-- name: undecided
-- The items of a job without a queue that its reviewer would reject: all, or those that are not decided on.
select w.item_id
from work as w
where w.job_id = %(job_id)s::integer and w.present
and (
    w.status in ('held', 'done', 'checked', 'skipped')
    or (%(everything)s and w.status = 'accepted')
)
order by w.item_id;

-- name: to_decide
-- The items of a queue that a reviewer may decide on for his job: those handed in that are nobody else's.
select w.item_id
from work as w
inner join jobs as j on w.queue_id = j.queue_id
inner join queues as q on j.queue_id = q.id
where j.id = %(job_id)s::integer and w.present and w.status = any(%(states)s::text [])
and (w.review_job_id is null or w.review_job_id = j.id or w.review_until < statement_timestamp())
and (q.review_own or w.labeler_id is distinct from %(actor_id)s::integer)
order by w.item_id;

-- name: find_jobs -> Found
-- The ids of a page of the jobs that somebody sees, and how many there are in all; not those of others who label in some
-- queues (`nameless`), where people are asked for.
with found as (
    select j.id
    from jobs as j
    inner join queues as q on j.queue_id = q.id
    inner join items as p on q.project_id = p.id
    inner join projects as f on p.id = f.item_id
    where j.removed_at is null and q.removed_at is null and p.deleted_at is null
    and (
        %(everything)s or p.owner_id = any(%(accounts)s::integer [])
        or (
            p.owner_id = any(%(at_work)s::integer []) and j.archived_at is null
            and %(user_id)s::integer in (j.user_id, j.reviewer_id)
        )
    )
    and (%(archived)s or j.archived_at is null)
    and (%(direct)s::boolean is null or (q.source = 'list') = %(direct)s::boolean)
    and (%(account_id)s::integer is null or p.owner_id = %(account_id)s::integer)
    and (%(worker_id)s::integer is null or j.user_id = %(worker_id)s::integer)
    and (
        j.part <> 'annotate' or j.user_id = %(user_id)s::integer or not j.queue_id = any(%(nameless)s::integer [])
    )
    and (%(reviewer_id)s::integer is null or j.reviewer_id = %(reviewer_id)s::integer)
    and (%(created_by)s::integer is null or j.created_by = %(created_by)s::integer)
    and (%(project_id)s::integer is null or q.project_id = %(project_id)s::integer)
    and (%(dataset_id)s::integer is null or q.dataset_id = %(dataset_id)s::integer)
    and (
        %(queue_ids)s::integer [] is null
        or (j.queue_id = any(%(queue_ids)s::integer []) and q.source <> 'list')
    )
    and (%(ids)s::integer [] is null or j.id = any(%(ids)s::integer []))
    and (%(names)s::text [] is null or j.name = any(%(names)s::text []))
    and (%(statuses)s::text [] is null or j.status = any(%(statuses)s::text []))
    and (%(not_statuses)s::text [] is null or j.status <> all(%(not_statuses)s::text []))
)
select
    (select count(*)::integer from found) as total,
    array(select f.id from found as f order by f.id limit %(limit)s offset %(offset)s) as ids;

-- name: jobs -> JobRow
-- Jobs as somebody sees them, by id, each with how many items it has in each state.
select
    j.id, j.queue_id, q.source = 'list' as direct, j.part, p.owner_id as account_id, a.name as account, f.workspace_id,
    s.name as workspace, q.project_id, p.name as project, f.data_type, q.dataset_id, d.name as dataset, c.id as collection_id,
    j.name, j.description, j.readme, j.status, q.settings, j.user_id, l.name as user, j.reviewer_id, r.name as reviewer,
    j.custom_data, j.created_by as created_by_id, u.name as created_by, j.created_at, j.started_at, j.finished_at,
    j.archived_at, coalesce(k.states, '{}') as states
from jobs as j
inner join queues as q on j.queue_id = q.id
inner join items as p on q.project_id = p.id
inner join projects as f on p.id = f.item_id
inner join accounts as a on p.owner_id = a.id
inner join accounts as l on j.user_id = l.id
left join workspaces as s on f.workspace_id = s.id
left join items as c on q.collection_id = c.id
and readable(c.visibility, c.owner_id, %(everything)s, %(accounts)s::integer [])
left join datasets as d on q.dataset_id = d.id
left join accounts as r on j.reviewer_id = r.id
left join accounts as u on j.created_by = u.id
left join lateral (
    select jsonb_object_agg(c.status, c.count) as states
    from (
        select w.status, count(*) as count
        from work as w
        where w.job_id = j.id and j.part = 'annotate' and w.present
        group by w.status
        union all
        select w.status, count(*)
        from work as w
        where w.review_job_id = j.id and j.part <> 'annotate' and w.present
        group by w.status
    ) as c
) as k on true
where j.id = any(%(ids)s::integer []) and j.removed_at is null and q.removed_at is null and p.deleted_at is null
and (
    %(everything)s or p.owner_id = any(%(accounts)s::integer [])
    or (
        p.owner_id = any(%(at_work)s::integer []) and j.archived_at is null
        and %(user_id)s::integer in (j.user_id, j.reviewer_id)
    )
)
order by j.id;

-- name: job_facts -> JobFacts
-- What a step in a job goes by, of a job that somebody sees.
select
    j.id, j.queue_id, q.source = 'list' as direct, j.part, j.status, p.owner_id as account_id, j.user_id, j.reviewer_id,
    j.archived_at is not null as archived, q.quality_check
from jobs as j
inner join queues as q on j.queue_id = q.id
inner join items as p on q.project_id = p.id
where j.id = %(id)s::integer and j.removed_at is null and q.removed_at is null and p.deleted_at is null
and (
    %(everything)s or p.owner_id = any(%(accounts)s::integer [])
    or (
        p.owner_id = any(%(at_work)s::integer []) and j.archived_at is null
        and %(user_id)s::integer in (j.user_id, j.reviewer_id)
    )
);

-- name: all_accepted
-- Complete a queue over a dataset, with its jobs, if all that is in it is accepted and it is not to stay open; return its id.
with done as (
    update queues as q
    set status = 'completed', finished_at = now()
    where q.id = %(queue_id)s::integer and q.source = 'dataset' and q.status not in ('completed', 'stopped')
    and not coalesce((q.settings ->> 'keep_open_on_empty')::boolean, false)
    and exists (
        select from queue_counts(q.id) as k where k.entities > 0 and k.accepted = k.entities
    )
    and not exists (
        select from work as w
        where w.queue_id = q.id and w.present and w.round > 1 and w.status <> 'accepted'
    )
    and not exists (select from work as w where w.queue_id = q.id and w.present and w.more > 0)
    returning q.id
),
jobs_too as (
    update jobs as j set status = 'completed', finished_at = now()
    from done as d
    where j.queue_id = d.id and j.status <> 'completed' and j.archived_at is null
)
select id from done;

-- name: update_job
-- Change what is said about a job; null: it stays.
update jobs as j
set name = coalesce(%(name)s::text, j.name), description = coalesce(%(description)s::text, j.description),
    readme = coalesce(%(readme)s::text, j.readme), custom_data = coalesce(%(custom_data)s::jsonb, j.custom_data),
    user_id = coalesce(%(user_id)s::integer, j.user_id), reviewer_id = coalesce(%(reviewer_id)s::integer, j.reviewer_id)
where j.id = %(id)s::integer;

-- name: reassign
-- Give what a job holds, and what will come back to it, to its new labeler.
update work as w
set labeler_id = %(user_id)s::integer
where w.job_id = %(job_id)s::integer and w.status in ('held', 'rejected');

-- name: rejected_items
-- The rejected items of a job.
select item_id from work where job_id = %(job_id)s::integer and status = 'rejected' and present order by item_id;

-- name: copy_source
-- Make a list of items beside another, of the same source and settings; return its id.
insert into queues (
    project_id, source, collection_id, dataset_id, restricted, name, description, readme, settings, quality_check,
    review_own, lease_seconds, created_by
)
select
    q.project_id, 'list', q.collection_id, q.dataset_id, true, left(%(name)s, 255), q.description, q.readme, q.settings,
    q.quality_check, q.review_own, q.lease_seconds, %(created_by)s::integer
from queues as q
where q.id = %(queue_id)s::integer
returning id;

-- name: items_given -> QueueItem
-- Items of a queue that have been given out, or came back, by id.
select
    w.item_id, i.name, i.kind, m.dataset_id, m.label_count,
    case
        when w.status = 'pending' or (w.status = 'held' and w.lease_until < statement_timestamp()) then null
        else w.status
    end as state,
    w.round, w.job_id, w.labeler_id, l.name as labeler, w.reviewer_id, r.name as reviewer, w.priority, w.rejections,
    w.comment, w.given_at, w.submitted_at, w.reviewed_at, w.labeling_seconds, w.review_seconds
from work as w
inner join items as i on w.item_id = i.id
inner join media as m on i.id = m.item_id
left join accounts as l on w.labeler_id = l.id
left join accounts as r on w.reviewer_id = r.id
where w.queue_id = %(queue_id)s::integer and w.round = 1 and w.present and w.item_id > %(after)s::integer
and (
    %(states)s::text [] is null
    or case
        when w.status = 'held' and w.lease_until < statement_timestamp() then 'pending' else w.status
    end = any(%(states)s::text [])
)
order by w.item_id
limit %(limit)s offset %(offset)s;

-- name: items_untouched -> QueueItem
-- Items of a queue that nobody was ever given, in the source's order.
select
    u.item_id, i.name, i.kind, m.dataset_id, m.label_count, null::text as state, null::smallint as round,
    null::integer as job_id, null::integer as labeler_id, null::text as labeler, null::integer as reviewer_id,
    null::text as reviewer, 0 as priority, 0 as rejections, null::text as comment, null::timestamptz as given_at,
    null::timestamptz as submitted_at, null::timestamptz as reviewed_at, 0::double precision as labeling_seconds,
    0::double precision as review_seconds
from untouched_page(%(queue_id)s::integer, %(after)s::bytea, %(limit)s::bigint, %(offset)s::bigint) as u
inner join items as i on u.item_id = i.id
inner join media as m on i.id = m.item_id
order by u.order_key;

-- name: key_of_untouched
-- The place of an item in the source of a queue.
select coalesce(
    (
        select e.order_key from entries as e
        where e.item_id = %(item_id)s::integer and e.collection_id = q.collection_id
    ),
    (
        select media_key(m.custom_sort, m.item_id) from media as m
        where m.item_id = %(item_id)s::integer and m.dataset_id = q.dataset_id
    )
)
from queues as q
where q.id = %(queue_id)s::integer;

-- name: items_sorted -> QueueItem
-- Items of a queue as somebody wants them, in any order.
with content as (
    select
        w.item_id,
        case
            when w.status = 'pending' or (w.status = 'held' and w.lease_until < statement_timestamp()) then null
            else w.status
        end as state,
        w.round, w.job_id, w.labeler_id, w.reviewer_id, w.priority, w.rejections, w.comment, w.given_at, w.submitted_at,
        w.reviewed_at, w.labeling_seconds, w.review_seconds
    from work as w
    where w.queue_id = %(queue_id)s::integer and w.present
    and case
        when %(job_id)s::integer is null then w.round = 1
        else %(job_id)s::integer in (w.job_id, w.review_job_id)
    end
    union all
    select
        u.item_id, null, null, null, null, null, 0, 0, null, null, null, null, 0, 0
    from untouched_items(%(queue_id)s::integer) as u
    where %(job_id)s::integer is null
),
picked as (
    select c.*, i.name, i.kind
    from content as c
    inner join items as i on c.item_id = i.id
    where (%(states)s::text [] is null or coalesce(c.state, 'pending') = any(%(states)s::text []))
    and (%(items)s::integer [] is null or c.item_id = any(%(items)s::integer []))
    and (%(names)s::text [] is null or i.name = any(%(names)s::text []))
    and (%(text)s::text is null or position(lower(%(text)s::text) in lower(i.name)) > 0)
    and (
        %(in_collection)s::integer is null
        or exists (select from entries as e where e.item_id = c.item_id and e.collection_id = %(in_collection)s::integer)
    )
    and (
        %(not_in_collection)s::integer is null
        or not exists (
            select from entries as e where e.item_id = c.item_id and e.collection_id = %(not_in_collection)s::integer
        )
    )
    order by /* part: order */ c.item_id, c.item_id, c.round
    limit %(limit)s offset %(offset)s
),
placed as (
    select p.*, row_number() over () as place from picked as p
)
select
    c.item_id, c.name, c.kind, m.dataset_id,
    case when %(worker)s::integer is null then m.label_count
        else labels_seen(c.item_id, m.label_count, %(worker)s::integer) end as label_count,
    c.state, c.round, c.job_id, c.labeler_id, l.name as labeler,
    c.reviewer_id, r.name as reviewer, c.priority, c.rejections, c.comment, c.given_at, c.submitted_at, c.reviewed_at,
    c.labeling_seconds, c.review_seconds
from placed as c
inner join media as m on c.item_id = m.item_id
left join accounts as l on c.labeler_id = l.id
left join accounts as r on c.reviewer_id = r.id
order by c.place;

-- name: count_items
-- How many items of a queue are as somebody wants them.
with content as (
    select
        w.item_id,
        case when w.status = 'held' and w.lease_until < statement_timestamp() then 'pending' else w.status end as state
    from work as w
    where w.queue_id = %(queue_id)s::integer and w.present
    and case
        when %(job_id)s::integer is null then w.round = 1
        else %(job_id)s::integer in (w.job_id, w.review_job_id)
    end
    union all
    select u.item_id, 'pending'
    from untouched_items(%(queue_id)s::integer) as u
    where %(job_id)s::integer is null
)
select count(*)::integer
from content as c
inner join items as i on c.item_id = i.id
where (%(states)s::text [] is null or c.state = any(%(states)s::text []))
and (%(items)s::integer [] is null or c.item_id = any(%(items)s::integer []))
and (%(names)s::text [] is null or i.name = any(%(names)s::text []))
and (%(text)s::text is null or position(lower(%(text)s::text) in lower(i.name)) > 0)
and (
    %(in_collection)s::integer is null
    or exists (select from entries as e where e.item_id = c.item_id and e.collection_id = %(in_collection)s::integer)
)
and (
    %(not_in_collection)s::integer is null
    or not exists (
        select from entries as e where e.item_id = c.item_id and e.collection_id = %(not_in_collection)s::integer
    )
);

-- name: save_draft -> Draft
-- Keep what somebody drew on an item that his job holds, if he sees that job; also when it holds the item no more, having held
-- it once: what he drew is his.
insert into drafts as r (queue_id, item_id, user_id, annotation)
select j.queue_id, %(item_id)s::integer, j.user_id, %(annotation)s::jsonb
from jobs as j
inner join queues as q on j.queue_id = q.id
inner join items as p on q.project_id = p.id
where j.id = %(job_id)s::integer and j.user_id = %(user_id)s::integer
and j.archived_at is null and j.removed_at is null and q.removed_at is null and p.deleted_at is null
and (%(everything)s or p.owner_id = any(%(accounts)s::integer []) or p.owner_id = any(%(at_work)s::integer []))
and (
    exists (
        select from work as w
        where w.queue_id = j.queue_id and w.item_id = %(item_id)s::integer and w.job_id + 0 = j.id and w.present
    )
    or exists (
        select from work_log as l
        where l.item_id = %(item_id)s::integer and l.queue_id + 0 = j.queue_id and l.job_id = j.id
        and l.actor_id = j.user_id
    )
)
on conflict (queue_id, item_id, user_id) do update set annotation = excluded.annotation, saved_at = now()
returning r.item_id, r.annotation, r.saved_at;

-- name: draft -> Draft
-- What somebody drew on an item and has not handed in: kept also when the item is not his any more.
select r.item_id, r.annotation, r.saved_at
from drafts as r
inner join jobs as j on r.queue_id = j.queue_id and r.user_id = j.user_id
where j.id = %(job_id)s::integer and r.item_id = %(item_id)s::integer and r.user_id = %(user_id)s::integer;

-- name: remove_draft
-- Forget what somebody drew.
delete from drafts as r
using jobs as j
where r.queue_id = j.queue_id and r.user_id = j.user_id and j.id = %(job_id)s::integer
and r.item_id = %(item_id)s::integer and r.user_id = %(user_id)s::integer;

-- name: totals -> Totals
-- The sums over what was done in a queue.
select
    coalesce(sum(w.rejections), 0)::integer as rejections,
    coalesce(sum(w.labeling_seconds), 0)::double precision as labeling_seconds,
    coalesce(sum(w.review_seconds), 0)::double precision as review_seconds
from work as w
where w.queue_id = %(queue_id)s::integer and w.present and (%(job_id)s::integer is null or w.job_id = %(job_id)s::integer);

-- name: person_statistics -> PersonStatistics
-- What each person did in a queue, of what is in it now.
select
    a.id as user_id, a.name as user, coalesce(sum(t.labeled), 0)::integer as labeled,
    coalesce(sum(t.accepted), 0)::integer as accepted, coalesce(sum(t.rejected), 0)::integer as rejected,
    coalesce(sum(t.rejections), 0)::integer as rejections,
    coalesce(sum(t.labeling_seconds), 0)::double precision as labeling_seconds,
    coalesce(sum(t.reviewed), 0)::integer as reviewed,
    coalesce(sum(t.review_seconds), 0)::double precision as review_seconds
from (
    select
        w.labeler_id as user_id, count(*) filter (where w.status in ('done', 'checked', 'accepted')) as labeled,
        count(*) filter (where w.status = 'accepted') as accepted,
        count(*) filter (where w.status = 'rejected') as rejected, sum(w.rejections) as rejections,
        sum(w.labeling_seconds) as labeling_seconds, 0 as reviewed, 0 as review_seconds
    from work as w
    where w.queue_id = %(queue_id)s::integer and w.present and w.labeler_id is not null
    group by w.labeler_id
    union all
    select
        w.reviewer_id, 0, 0, 0, 0, 0, count(*) filter (where w.status in ('accepted', 'rejected')), sum(w.review_seconds)
    from work as w
    where w.queue_id = %(queue_id)s::integer and w.present and w.reviewer_id is not null
    group by w.reviewer_id
    union all
    select j.user_id, 0, 0, 0, 0, 0, 0, 0
    from jobs as j
    where j.queue_id = %(queue_id)s::integer and j.archived_at is null
) as t
inner join accounts as a on t.user_id = a.id
group by a.id, a.name
order by a.name;

-- name: class_statistics -> ClassStatistics
-- What the items of a job have of each class that the job is about, and how long those items took; of items of which a
-- reader sees only the labels that he made, those.
with mine as materialized (
    select
        w.item_id, max(w.labeling_seconds) as seconds,
        sees_only_own(w.item_id, %(user_id)s::integer, %(reads)s::boolean) as only_own
    from work as w
    where w.job_id = %(job_id)s::integer and w.present
    group by w.item_id
),
labeled as (
    select f.class_id, m.item_id, count(*) as labels, max(m.seconds) as seconds
    from mine as m
    inner join figures as f on m.item_id = f.item_id
    where not m.only_own or f.created_by = %(user_id)s::integer
    group by f.class_id, m.item_id
),
summed as (
    select l.class_id, count(*) as items, sum(l.labels) as labels, sum(l.seconds) as seconds
    from labeled as l
    group by l.class_id
)
select
    c.id, c.name, c.color, c.shape, coalesce(f.items, 0)::integer as items, coalesce(f.labels, 0)::integer as labels,
    coalesce(f.seconds, 0)::double precision as seconds
from jobs as j
inner join queues as q on j.queue_id = q.id
inner join label_classes as c on q.project_id = c.project_id
left join summed as f on c.id = f.class_id
where j.id = %(job_id)s::integer
and (cardinality(%(names)s::text []) = 0 or c.name = any(%(names)s::text []) or f.items > 0)
order by c.id;

-- name: tag_statistics -> TagStatistics
-- On how many items of a job, and of their figures, each tag of its project is; of items of which a reader sees only the
-- labels that he made, by those.
with mine as materialized (
    select w.item_id, sees_only_own(w.item_id, %(user_id)s::integer, %(reads)s::boolean) as only_own
    from work as w
    where w.job_id = %(job_id)s::integer and w.present
    group by w.item_id
),
on_items as (
    select t.tag_id, count(distinct t.item_id)::integer as items
    from mine as m
    inner join tagged as t on m.item_id = t.item_id
    where not m.only_own or t.created_by = %(user_id)s::integer
    group by t.tag_id
),
on_figures as (
    select t.tag_id, count(distinct t.figure_id)::integer as figures
    from mine as m
    inner join figures as f on m.item_id = f.item_id
    inner join tagged as t on f.id = t.figure_id
    where not m.only_own or f.created_by = %(user_id)s::integer
    group by t.tag_id
)
select g.id, g.name, g.color, coalesce(i.items, 0) as items, coalesce(f.figures, 0) as figures
from jobs as j
inner join queues as q on j.queue_id = q.id
inner join label_tags as g on q.project_id = g.project_id
left join on_items as i on g.id = i.tag_id
left join on_figures as f on g.id = f.tag_id
where j.id = %(job_id)s::integer
order by g.id;

-- name: statistics_rows -> QueueItem
-- All items of a queue that have been given out, each round on its own, for a table.
select
    w.item_id, i.name, i.kind, m.dataset_id, m.label_count, case when w.status <> 'pending' then w.status end as state,
    w.round, w.job_id, w.labeler_id, l.name as labeler, w.reviewer_id, r.name as reviewer, w.priority, w.rejections,
    w.comment, w.given_at, w.submitted_at, w.reviewed_at, w.labeling_seconds, w.review_seconds
from work as w
inner join items as i on w.item_id = i.id
inner join media as m on i.id = m.item_id
left join accounts as l on w.labeler_id = l.id
left join accounts as r on w.reviewer_id = r.id
where w.queue_id = %(queue_id)s::integer and w.present
order by w.item_id, w.round;

-- name: log_lines -> LogLine
-- What was done in a queue, newest first.
select l.id, l.at, l.item_id, l.round, l.verb, l.actor_id, a.name as actor, l.job_id, l.seconds, l.comment
from work_log as l
left join accounts as a on l.actor_id = a.id
where l.queue_id = %(queue_id)s::integer and l.id < %(below)s::bigint
and (%(item_id)s::integer is null or l.item_id = %(item_id)s::integer)
order by l.id desc
limit %(limit)s;

-- name: several -> Pair
-- The items of a queue that several annotators have handed in, with who they are.
select w.item_id, array_agg(w.labeler_id order by w.round) as labelers
from work as w
where w.queue_id = %(queue_id)s::integer and w.item_id > %(after)s::integer and w.present
and w.status in ('done', 'checked', 'accepted') and w.labeler_id is not null
group by w.item_id
having count(*) > 1
order by w.item_id
limit %(limit)s;

-- name: proofs -> Proof
-- Who labeled items and who decided on them, the latest decision on each first.
select
    w.item_id, w.queue_id, q.name as queue, w.round, case when w.status <> 'pending' then w.status end as state, w.present,
    w.labeler_id, l.name as labeler, w.submitted_at, w.reviewer_id, r.name as reviewer, w.reviewed_at
from work as w
inner join queues as q on w.queue_id = q.id
left join accounts as l on w.labeler_id = l.id
left join accounts as r on w.reviewer_id = r.id
where w.item_id = any(%(items)s::integer []) and (w.labeler_id is not null or w.reviewer_id is not null)
order by w.item_id, w.reviewed_at desc nulls last, w.submitted_at desc nulls last, w.queue_id, w.round;
