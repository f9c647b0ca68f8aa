-- name: hold_still
-- Keep what items are from changing how collections see them, until the transaction ends: whoever adds entries holds the
-- same locks shared, so that no entry is made from a visibility that is just changing.
select hold_items_still();

-- name: resolve -> Item
-- The item that each of many addresses stands for, as one reader sees it: a row per address, in their order, all null
-- where he finds nothing. What has the name wins over what once had it, and a collection's public id over its words. The
-- limit limits nothing: it lets the planner expect few rows where it does not know the number, and so keep its plan,
-- which takes ten times longer to make than to run for one address.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    c.public_id
from (
    select u.kind, u.owner, u.name, u.public_id, u.n
    from unnest(%(kinds)s::text [], %(owners)s::text [], %(names)s::text [], %(public_ids)s::text [])
        with ordinality as u (kind, owner, name, public_id, n)
    limit cardinality(%(kinds)s::text [])
) as r
left join accounts as a on lower(a.name) = r.owner and a.deleted_at is null
left join lateral (
    select x.id, 1 as choice, 0 as newest
    from items as x
    where
        r.owner is not null
        and r.kind <> 'collection'
        and x.kind = r.kind
        and x.owner_id = a.id
        and x.container_id is null
        and x.name_key = r.name
        and x.deleted_at is null
        and readable(x.visibility, x.owner_id, %(everything)s, %(accounts)s)
    union all
    select x.id, 1, 0
    from items as x
    where
        r.kind = 'version'
        and x.kind = 'version'
        and x.owner_id = a.id
        and x.name = r.name
        and x.deleted_at is null
        and readable(x.visibility, x.owner_id, %(everything)s, %(accounts)s)
    union all
    select x.id, 1, 0
    from items as x
    where
        r.owner is null
        and r.kind <> 'collection'
        and x.kind = r.kind
        and x.owner_id is null
        and x.container_id is null
        and x.name_key = r.name
        and x.deleted_at is null
        and readable(x.visibility, x.owner_id, %(everything)s, %(accounts)s)
    union all
    select d.item_id, 2, 0
    from redirects as d
    inner join items as x on d.item_id = x.id
    where
        r.owner is not null
        and d.kind = r.kind
        and d.owner_id = a.id
        and d.name_key = r.name
        and x.deleted_at is null
        and readable(x.visibility, x.owner_id, %(everything)s, %(accounts)s)
    union all
    select d.item_id, 2, 0
    from redirects as d
    inner join items as x on d.item_id = x.id
    where
        r.owner is null
        and d.kind = r.kind
        and d.owner_id is null
        and d.name_key = r.name
        and x.deleted_at is null
        and readable(x.visibility, x.owner_id, %(everything)s, %(accounts)s)
    union all
    select s.id, 1, 0
    from collections as s
    inner join items as x on s.id = x.id
    where
        s.public_id = r.public_id
        and (r.owner is null or x.owner_id = a.id or a.id = any(s.former_owners))
        and x.deleted_at is null
        and readable(x.visibility, x.owner_id, %(everything)s, %(accounts)s)
    union all
    select x.id, 1, x.id
    from items as x
    where
        r.kind = 'collection'
        and r.public_id is null
        and x.kind = 'collection'
        and x.owner_id = a.id
        and x.name = r.name
        and x.deleted_at is null
        and readable(x.visibility, x.owner_id, %(everything)s, %(accounts)s)
    order by choice, newest desc
    limit 1
) as found on true
left join items as i on found.id = i.id
left join accounts as o on i.owner_id = o.id
left join collections as c on i.id = c.id
order by r.n;

-- name: item -> Item
-- An item by its number, as one reader sees it.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    c.public_id
from items as i
left join accounts as o on i.owner_id = o.id
left join collections as c on i.id = c.id
where
    i.id = %(id)s::integer
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s);

-- name: items -> Item
-- A page of the items that a reader sees, newest first.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    c.public_id
from items as i
left join accounts as o on i.owner_id = o.id
left join collections as c on i.id = c.id
where
    (%(kinds)s::text [] is null or i.kind = any(%(kinds)s::text []))
    and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
    and (%(below)s::integer is null or i.id < %(below)s::integer)
    and (
        %(patterns)s::text [] is null
        or lower(concat_ws('/', o.name, i.name) || ' ' || i.title)
        like all (array(select lower(w.pattern) from unnest(%(patterns)s::text []) as w (pattern)))
    )
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by i.id desc
limit %(limit)s::integer;

-- name: lock_item
-- Keep others from changing an item until the transaction ends, if it still is what was read.
select i.id
from items as i
where
    i.id = %(id)s::integer
    and i.owner_id is not distinct from %(owner_id)s::integer
    and i.name = %(name)s::text
    and i.visibility = %(visibility)s::text
    and i.deleted_at is null
for no key update;

-- name: create_item
-- A new item, or nothing where its address is taken.
insert into items (kind, owner_id, name, name_key, title, visibility)
values (
    %(kind)s::text,
    %(owner_id)s::integer,
    %(name)s::text,
    lower(%(name)s::text),
    %(title)s::text,
    %(visibility)s::text
)
on conflict do nothing
returning id;

-- name: touch_item
-- New values of an item; null leaves one as it is.
update items
set
    title = coalesce(%(title)s::text, title),
    visibility = coalesce(%(visibility)s::text, visibility),
    updated_at = now()
where id = %(id)s::integer;

-- name: move_item
-- Give an item another address.
update items
set owner_id = %(owner_id)s::integer, name = %(name)s::text, name_key = lower(%(name)s::text), updated_at = now()
where id = %(id)s::integer;

-- name: delete_item
-- Mark an item as deleted: its name is free, and no reader finds it any more.
update items
set deleted_at = now(), deleted_by = %(actor_id)s::integer, updated_at = now()
where id = %(id)s::integer;

-- name: address_in_use
-- How the address of a live item is spelled.
select concat_ws('/', o.name, i.name)
from items as i
left join accounts as o on i.owner_id = o.id
where
    i.kind = %(kind)s::text
    and i.owner_id is not distinct from %(owner_id)s::integer
    and i.container_id is null
    and i.name_key = lower(%(name)s::text)
    and i.deleted_at is null;

-- name: redirect
-- From now on an address that is given up leads to the item that had it.
insert into redirects (kind, owner_id, name_key, item_id)
values (%(kind)s::text, %(owner_id)s::integer, lower(%(name)s::text), %(id)s::integer)
on conflict (kind, owner_id, name_key) do update set item_id = excluded.item_id, created_at = now();

-- name: forget_redirect
-- An address leads to nothing else any more: because its item is back there, or because the last that had it is deleted.
delete from redirects
where
    kind = %(kind)s::text
    and owner_id is not distinct from %(owner_id)s::integer
    and name_key = lower(%(name)s::text)
    and (%(only_to)s::integer is null or item_id = %(only_to)s::integer);

-- name: create_repo_facts
-- What only repos have, for a new one; and its row among the counts of likes, so that one index ranks all repos.
with counted as (
    insert into vote_counts (item_id) values (%(id)s::integer)
)

insert into repos (item_id, gated, sdk, description, pipeline_tag, library_name, tags, card)
values (
    %(id)s::integer,
    %(gated)s::text,
    %(sdk)s::text,
    %(description)s::text,
    %(pipeline_tag)s::text,
    %(library_name)s::text,
    %(tags)s::text [],
    %(card)s::jsonb
);

-- name: update_repo_facts
-- New values of what only repos have: null leaves one as it is, "" takes away what can be missing.
update repos
set
    gated = case when %(gated)s::text is null then gated else nullif(%(gated)s::text, '') end,
    sdk = case when %(sdk)s::text is null then sdk else nullif(%(sdk)s::text, '') end,
    description = coalesce(%(description)s::text, description),
    pipeline_tag = case
        when %(pipeline_tag)s::text is null then pipeline_tag else nullif(%(pipeline_tag)s::text, '')
    end,
    library_name = case
        when %(library_name)s::text is null then library_name else nullif(%(library_name)s::text, '')
    end,
    tags = coalesce(%(tags)s::text [], tags),
    card = coalesce(%(card)s::jsonb, card),
    last_modified = case when %(content)s::boolean then now() else last_modified end
where item_id = %(id)s::integer;

-- name: repo -> Repo
-- A repo by its number, as one reader sees it.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    r.gated,
    r.sdk,
    r.description,
    r.pipeline_tag,
    r.library_name,
    r.tags,
    r.card,
    r.downloads,
    r.last_modified,
    coalesce(t.votes, 0) as likes,
    exists (select from votes as v where v.item_id = i.id and v.user_id = %(user_id)s::integer) as liked
from items as i
inner join repos as r on i.id = r.item_id
left join accounts as o on i.owner_id = o.id
left join vote_counts as t on i.id = t.item_id
where i.id = %(id)s::integer and i.deleted_at is null;

-- name: repos_by_last_modified -> Repo
-- A page of the repos that a reader sees, those first that changed last.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    r.gated,
    r.sdk,
    r.description,
    r.pipeline_tag,
    r.library_name,
    r.tags,
    r.card,
    r.downloads,
    r.last_modified,
    coalesce(t.votes, 0) as likes,
    exists (select from votes as v where v.item_id = i.id and v.user_id = %(user_id)s::integer) as liked
from repos as r
inner join items as i on r.item_id = i.id
left join accounts as o on i.owner_id = o.id
left join vote_counts as t on i.id = t.item_id
where
    (%(kind)s::text is null or i.kind = %(kind)s::text)
    and (%(tags)s::text [] is null or r.tags @> %(tags)s::text [])
    and (%(pipeline_tag)s::text is null or r.pipeline_tag = %(pipeline_tag)s::text)
    and (%(gated)s::boolean is null or (r.gated is not null) = %(gated)s::boolean)
    and (
        %(patterns)s::text [] is null
        or lower(concat_ws('/', o.name, i.name) || ' ' || i.title)
        like all (array(select lower(w.pattern) from unnest(%(patterns)s::text []) as w (pattern)))
    )
    and (r.last_modified, r.item_id) < (%(before)s::timestamptz, %(below)s::integer)
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by r.last_modified desc, r.item_id desc
limit %(limit)s::integer;

-- name: repos_by_creation -> Repo
-- A page of the repos that a reader sees, newest first: their numbers rise as they are made.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    r.gated,
    r.sdk,
    r.description,
    r.pipeline_tag,
    r.library_name,
    r.tags,
    r.card,
    r.downloads,
    r.last_modified,
    coalesce(t.votes, 0) as likes,
    exists (select from votes as v where v.item_id = i.id and v.user_id = %(user_id)s::integer) as liked
from repos as r
inner join items as i on r.item_id = i.id
left join accounts as o on i.owner_id = o.id
left join vote_counts as t on i.id = t.item_id
where
    (%(kind)s::text is null or i.kind = %(kind)s::text)
    and (%(tags)s::text [] is null or r.tags @> %(tags)s::text [])
    and (%(pipeline_tag)s::text is null or r.pipeline_tag = %(pipeline_tag)s::text)
    and (%(gated)s::boolean is null or (r.gated is not null) = %(gated)s::boolean)
    and (
        %(patterns)s::text [] is null
        or lower(concat_ws('/', o.name, i.name) || ' ' || i.title)
        like all (array(select lower(w.pattern) from unnest(%(patterns)s::text []) as w (pattern)))
    )
    and r.item_id < %(below)s::integer
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by r.item_id desc
limit %(limit)s::integer;

-- name: repos_by_downloads -> Ranked
-- A page of the repos that a reader sees, those first that are downloaded most; as in all that follow, only the numbers:
-- the page's rows are read by `repos_by_id`.
select i.id, r.downloads as rank, 0 as second
from repos as r
inner join items as i on r.item_id = i.id
where
    (%(kind)s::text is null or i.kind = %(kind)s::text)
    and (%(tags)s::text [] is null or r.tags @> %(tags)s::text [])
    and (%(pipeline_tag)s::text is null or r.pipeline_tag = %(pipeline_tag)s::text)
    and (%(gated)s::boolean is null or (r.gated is not null) = %(gated)s::boolean)
    and (
        %(patterns)s::text [] is null
        or lower(concat_ws('/', (select o.name from accounts as o where o.id = i.owner_id), i.name) || ' ' || i.title)
        like all (array(select lower(w.pattern) from unnest(%(patterns)s::text []) as w (pattern)))
    )
    and (r.downloads, r.item_id) < (%(rank)s::bigint, %(below)s::integer)
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by r.downloads desc, r.item_id desc
limit %(limit)s::integer;

-- name: repos_by_likes -> Ranked
-- A page of the repos that a reader sees, those first that are liked most; without those that trend, where `until` says
-- when. Each repo has its row in `vote_counts` from the start, so one index holds them all in this order.
with latest as materialized (
    select v.item_id
    from votes as v
    where v.created_at <= %(until)s::timestamptz and v.created_at > %(until)s::timestamptz - interval '7 days'
    order by v.created_at desc
    limit 1000
)

select i.id, 0::bigint as rank, t.votes as second
from vote_counts as t
cross join lateral (
    select x.id, x.kind, x.owner_id, x.name, x.title, x.visibility, x.deleted_at, f.tags, f.pipeline_tag, f.gated
    from repos as f
    inner join items as x on f.item_id = x.id
    where f.item_id = t.item_id
    offset 0
) as i
where
    (%(kind)s::text is null or i.kind = %(kind)s::text)
    and (%(tags)s::text [] is null or i.tags @> %(tags)s::text [])
    and (%(pipeline_tag)s::text is null or i.pipeline_tag = %(pipeline_tag)s::text)
    and (%(gated)s::boolean is null or (i.gated is not null) = %(gated)s::boolean)
    and (
        %(patterns)s::text [] is null
        or lower(concat_ws('/', (select o.name from accounts as o where o.id = i.owner_id), i.name) || ' ' || i.title)
        like all (array(select lower(w.pattern) from unnest(%(patterns)s::text []) as w (pattern)))
    )
    and (t.votes, t.item_id) < (%(second)s::integer, %(below)s::integer)
    and t.item_id not in (select latest.item_id from latest)
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by t.votes desc, t.item_id desc
limit %(limit)s::integer;

-- name: repos_trending -> Ranked
-- A page of the repos that a reader sees and that were liked in the seven days before `until`, the most often first. The
-- last 1,000 likes of that time are counted: what trends shows in them, and on a server where more are given, counting
-- all of them for each page would take the longer the busier it is.
with recent as materialized (
    select latest.item_id, count(*) as rank
    from (
        select v.item_id
        from votes as v
        where v.created_at <= %(until)s::timestamptz and v.created_at > %(until)s::timestamptz - interval '7 days'
        order by v.created_at desc
        limit 1000
    ) as latest
    group by latest.item_id
)

select i.id, recent.rank, t.votes as second
from recent
inner join items as i on recent.item_id = i.id
inner join repos as r on recent.item_id = r.item_id
inner join vote_counts as t on recent.item_id = t.item_id
where
    (%(kind)s::text is null or i.kind = %(kind)s::text)
    and (%(tags)s::text [] is null or r.tags @> %(tags)s::text [])
    and (%(pipeline_tag)s::text is null or r.pipeline_tag = %(pipeline_tag)s::text)
    and (%(gated)s::boolean is null or (r.gated is not null) = %(gated)s::boolean)
    and (
        %(patterns)s::text [] is null
        or lower(concat_ws('/', (select o.name from accounts as o where o.id = i.owner_id), i.name) || ' ' || i.title)
        like all (array(select lower(w.pattern) from unnest(%(patterns)s::text []) as w (pattern)))
    )
    and (recent.rank, t.votes, i.id) < (%(rank)s::bigint, %(second)s::integer, %(below)s::integer)
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by recent.rank desc, t.votes desc, i.id desc
limit %(limit)s::integer;

-- name: repos_of_owner -> Ranked
-- A page of one owner's repos that a reader sees, in any of the orders: they are few beside all, so they are collected
-- and then sorted, where the queries above go through all in their order.
with ranked as (
    select
        i.id,
        case %(sort)s::text
            when 'lastModified' then (extract(epoch from r.last_modified) * 1000000)::bigint
            when 'downloads' then r.downloads
            when 'trendingScore' then (
                select count(*)
                from votes as v
                where
                    v.item_id = i.id
                    and v.created_at > %(until)s::timestamptz - interval '7 days'
                    and v.created_at <= %(until)s::timestamptz
            )
            else 0
        end as rank,
        case when %(sort)s::text in ('likes', 'trendingScore') then coalesce(t.votes, 0) else 0 end as second
    from items as i
    inner join repos as r on i.id = r.item_id
    left join vote_counts as t on i.id = t.item_id
    where
        i.owner_id = %(owner_id)s::integer
        and (%(kind)s::text is null or i.kind = %(kind)s::text)
        and (%(tags)s::text [] is null or r.tags @> %(tags)s::text [])
        and (%(pipeline_tag)s::text is null or r.pipeline_tag = %(pipeline_tag)s::text)
        and (%(gated)s::boolean is null or (r.gated is not null) = %(gated)s::boolean)
        and (
            %(patterns)s::text [] is null
            or lower(concat_ws('/', (select o.name from accounts as o where o.id = i.owner_id), i.name) || ' ' || i.title)
            like all (array(select lower(w.pattern) from unnest(%(patterns)s::text []) as w (pattern)))
        )
        and i.deleted_at is null
        and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
)

select ranked.id, ranked.rank, ranked.second
from ranked
where (ranked.rank, ranked.second, ranked.id) < (%(rank)s::bigint, %(second)s::integer, %(below)s::integer)
order by ranked.rank desc, ranked.second desc, ranked.id desc
limit %(limit)s::integer;

-- name: repos_by_id -> Repo
-- Repos by their numbers, in their order.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    r.gated,
    r.sdk,
    r.description,
    r.pipeline_tag,
    r.library_name,
    r.tags,
    r.card,
    r.downloads,
    r.last_modified,
    coalesce(t.votes, 0) as likes,
    exists (select from votes as v where v.item_id = i.id and v.user_id = %(user_id)s::integer) as liked
from unnest(%(ids)s::integer []) with ordinality as a (id, n)
inner join items as i on a.id = i.id
inner join repos as r on i.id = r.item_id
left join accounts as o on i.owner_id = o.id
left join vote_counts as t on i.id = t.item_id
order by a.n;

-- name: cast_vote
-- Vote for an item and count it; nothing where the user did so before.
with given as (
    insert into votes (item_id, user_id)
    values (%(item_id)s::integer, %(user_id)s::integer)
    on conflict (item_id, user_id) do nothing
    returning item_id
)

insert into vote_counts as t (item_id, votes)
select given.item_id, 1 from given
on conflict (item_id) do update set votes = t.votes + 1
returning votes;

-- name: take_vote_back
-- Take a vote back and count it; nothing where there is none.
with gone as (
    delete from votes
    where item_id = %(item_id)s::integer and user_id = %(user_id)s::integer
    returning item_id
)

update vote_counts as t
set votes = t.votes - 1
from gone
where t.item_id = gone.item_id
returning t.votes;

-- name: votes
-- How many people voted for an item.
select votes from vote_counts where item_id = %(item_id)s::integer;

-- name: voters -> Voter
-- A page of those who voted for an item, the last first.
select a.id, a.name, a.display_name, v.created_at as at
from votes as v
inner join accounts as a on v.user_id = a.id
where
    v.item_id = %(item_id)s::integer
    and a.deleted_at is null
    and (v.created_at, v.user_id) < (%(before)s::timestamptz, %(below)s::integer)
order by v.created_at desc, v.user_id desc
limit %(limit)s::integer;

-- name: liked_by -> Liked
-- A page of the repos that a user likes and the reader sees, the last first.
select i.id as item_id, i.kind, o.name as owner, i.name, v.created_at as at
from votes as v
inner join items as i on v.item_id = i.id
left join accounts as o on i.owner_id = o.id
where
    v.user_id = %(user_id)s::integer
    and i.kind = any(%(kinds)s::text [])
    and (v.created_at, v.item_id) < (%(before)s::timestamptz, %(below)s::integer)
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by v.created_at desc, v.item_id desc
limit %(limit)s::integer;

-- name: create_paper_facts
-- What only papers have, for a new one.
insert into papers (item_id, authors, abstract, published_at, registered_by)
values (
    %(id)s::integer, %(authors)s::jsonb, %(abstract)s::text, %(published_at)s::timestamptz, %(registered_by)s::integer
);

-- name: lock_paper
-- Keep others from changing a paper until the transaction ends.
select p.item_id from papers as p where p.item_id = %(id)s::integer for update;

-- name: update_paper_facts
-- New values of what only papers have.
update papers
set authors = %(authors)s::jsonb, abstract = %(abstract)s::text, published_at = %(published_at)s::timestamptz
where item_id = %(id)s::integer;

-- name: paper -> Paper
-- A paper by its arXiv id.
select
    i.id,
    i.kind,
    i.name,
    i.title,
    i.created_at,
    i.updated_at,
    p.authors,
    p.abstract,
    p.published_at,
    a.name as registered_by,
    coalesce(t.votes, 0) as votes,
    exists (select from votes as v where v.item_id = i.id and v.user_id = %(user_id)s::integer) as voted
from items as i
inner join papers as p on i.id = p.item_id
left join accounts as a on p.registered_by = a.id and a.deleted_at is null
left join vote_counts as t on i.id = t.item_id
where
    i.kind = 'paper'
    and i.owner_id is null
    and i.container_id is null
    and i.name_key = lower(%(arxiv_id)s::text)
    and i.deleted_at is null;

-- name: papers -> Paper
-- A page of papers that have all the words in title or arXiv id, newest first.
select
    i.id,
    i.kind,
    i.name,
    i.title,
    i.created_at,
    i.updated_at,
    p.authors,
    p.abstract,
    p.published_at,
    a.name as registered_by,
    coalesce(t.votes, 0) as votes,
    exists (select from votes as v where v.item_id = i.id and v.user_id = %(user_id)s::integer) as voted
from items as i
inner join papers as p on i.id = p.item_id
left join accounts as a on p.registered_by = a.id and a.deleted_at is null
left join vote_counts as t on i.id = t.item_id
where
    i.kind = 'paper'
    and (
        %(text)s::text is null
        or i.document @@ to_tsquery(
            'simple'::regconfig,
            regexp_replace(
                nullif(trim(regexp_replace(%(text)s::text, '[^[:alnum:]]+', ' ', 'g')), ''), ' ', ':* & ', 'g'
            ) || ':*'
        )
    )
    and (%(below)s::integer is null or i.id < %(below)s::integer)
    and i.deleted_at is null
order by i.id desc
limit %(limit)s::integer;

-- name: create_reference_facts
-- What only references have, for a new one.
insert into external_references (item_id, target_kind, url)
values (%(id)s::integer, %(target_kind)s::text, %(url)s::text);

-- name: update_reference_facts
-- New values of what only references have; null leaves one as it is.
update external_references
set target_kind = coalesce(%(target_kind)s::text, target_kind), url = coalesce(%(url)s::text, url)
where item_id = %(id)s::integer;

-- name: reference -> Reference
-- A reference by its number.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    x.target_kind,
    x.url
from items as i
inner join external_references as x on i.id = x.item_id
left join accounts as o on i.owner_id = o.id
where i.id = %(id)s::integer and i.deleted_at is null;

-- name: references -> Reference
-- A page of the references that a reader sees, newest first.
select
    i.id,
    i.kind,
    i.owner_id,
    o.name as owner,
    i.name,
    i.title,
    i.visibility,
    i.created_at,
    i.updated_at,
    i.deleted_at,
    x.target_kind,
    x.url
from items as i
inner join external_references as x on i.id = x.item_id
left join accounts as o on i.owner_id = o.id
where
    (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
    and (%(below)s::integer is null or i.id < %(below)s::integer)
    and (
        %(patterns)s::text [] is null
        or lower(concat_ws('/', o.name, i.name) || ' ' || i.title)
        like all (array(select lower(w.pattern) from unnest(%(patterns)s::text []) as w (pattern)))
    )
    and i.deleted_at is null
    and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
order by i.id desc
limit %(limit)s::integer;
