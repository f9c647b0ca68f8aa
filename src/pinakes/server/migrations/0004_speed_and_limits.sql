-- Attempts to sign in, and to guess a device's code: one count for all processes of a server, and all servers on this
-- database. What is counted (whose name, which address) is kept as a digest; a row means nothing once its window ended.
-- Not logged: what a crash of the database forgets are counts of minutes.
create unlogged table attempts (
    digest bytea not null,
    count integer not null,
    ends_at timestamptz not null,
    constraint attempts_pkey primary key (digest)
);

-- Moving one entry behind another is one statement, as adding and removing one are (see `append_entry`); of any kind of
-- collection, so holding one for a change of that sort no longer needs to know the kind.
create or replace function hold_to_curate(
    the_public_id text, the_kind text, the_owner text, expected integer, curated integer []
) returns collections
language plpgsql as $$
declare
    held collections;
begin
    perform from collections as c where c.public_id = the_public_id for no key update;
    select c.* into held
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as o on i.owner_id = o.id
    where c.public_id = the_public_id and (the_kind is null or c.kind = the_kind) and i.deleted_at is null
    and i.owner_id = any(curated)
    and (the_owner is null or lower(o.name) = lower(the_owner)) and (expected is null or c.revision = expected)
    and not exists (select from collection_checks as k where k.collection_id = c.id)
    and not exists (
        select from collection_checks as k
        inner join items as n on k.collection_id = n.id
        where k.params ->> 'collection' = c.public_id and k.kind = 'disjoint' and k.blocks and n.owner_id = i.owner_id
    )
    and not exists (select from live_collections as l where l.collection_id = c.id);
    return held;
end;
$$;

-- The key between two, as `collections/ordering.py` makes it; null where what tells them apart is longer than a number.
create function key_between(low bytea, high bytea) returns bytea
language plpgsql immutable parallel safe as $$
declare
    width integer := greatest(length(low), length(high), 7);
    same integer := 0;
    bottom bigint;
    top bigint;
    made bytea;
begin
    while same < least(length(low), length(high)) and get_byte(low, same) = get_byte(high, same) loop
        same := same + 1;
    end loop;
    while width - same <= 7 loop
        bottom := ('x' || lpad(rpad(encode(substring(low from same + 1), 'hex'), 2 * (width - same), '0'), 16, '0'))
            ::bit(64)::bigint;
        top := ('x' || lpad(rpad(encode(substring(high from same + 1), 'hex'), 2 * (width - same), '0'), 16, '0'))
            ::bit(64)::bigint;
        if top - bottom > 1 then
            made := substring(low from 1 for same)
                || substring(int8send(bottom + (top - bottom) / 2) from 9 - (width - same));
            while length(made) > 6 and get_byte(made, length(made) - 1) = 0 loop
                made := substring(made from 1 for length(made) - 1);
            end loop;
            return made;
        end if;
        width := width + 1;
    end loop;
    return null;
end;
$$;

-- Returns no row where something is not in order (or the keys have grown as long as `longest`), and then nothing was done.
create function move_entry(
    the_public_id text, the_owner text, expected integer, curated integer [], the_id integer, the_item integer,
    the_revision integer, behind_item integer, behind_revision integer, longest integer, everything boolean, accounts integer [],
    the_actor integer, the_token integer, the_api text, the_request text, the_reason text
) returns table (changed_id integer, made_revision integer)
language plpgsql as $$
declare
    held collections;
    moved entries;
    ahead bytea;
    following bytea;
    fresh bytea;
    was integer;
begin
    held := hold_to_curate(the_public_id, null, the_owner, expected, curated);
    select e.* into moved
    from entries as e
    inner join items as i on e.item_id = i.id
    where e.collection_id = held.id and held.id = the_id and e.item_id = the_item and e.added_rev = the_revision
    and i.deleted_at is null and readable(i.visibility, i.owner_id, everything, accounts);
    if not found then
        return;
    end if;
    select e.order_key into ahead
    from entries as e
    inner join items as i on e.item_id = i.id
    where e.collection_id = held.id and e.item_id = behind_item and e.added_rev = behind_revision
    and i.deleted_at is null and readable(i.visibility, i.owner_id, everything, accounts);
    if not found then
        return;
    end if;
    select e.order_key into following
    from entries as e
    where e.collection_id = held.id and e.order_key > ahead and e.item_id <> the_item
    order by e.order_key
    limit 1;
    fresh := case when following is null then next_key(ahead) else key_between(ahead, following) end;
    if fresh is null or (following is not null and length(fresh) > longest) then
        return;
    end if;
    select e.item_id into was
    from entries as e
    where e.collection_id = held.id and e.order_key < moved.order_key
    order by e.order_key desc
    limit 1;
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    values (
        moved.collection_id, moved.item_id, moved.order_key, moved.since_rev, held.revision + 1, moved.added_rev,
        moved.added_by, moved.added_at, moved.score, moved.note
    );
    update entries as e
    set order_key = fresh, since_rev = held.revision + 1
    where e.collection_id = held.id and e.item_id = the_item;
    perform close_change(
        held.id, held.revision + 1, 0, 'entry.moved', the_actor, the_token, the_api, the_request, null,
        jsonb_build_object('count', 1, 'entries', jsonb_build_array(
            jsonb_build_object('item', the_item, 'behind', was)
        )),
        jsonb_build_object('count', 1, 'entries', jsonb_build_array(
            jsonb_build_object('item', the_item, 'behind', behind_item)
        )),
        the_reason
    );
    return query select held.id, held.revision + 1;
end;
$$;

-- Whoever saves labels goes on working: his leases on those items begin anew, once a part of them is over. One that ran out is
-- still his as long as nobody else took the item: what he saves is not to be lost for having been drawn slowly.
create or replace function extend_leases(the_items integer [], the_user integer) returns void
language plpgsql as $$
begin
    if not exists (
        select from work as w
        where w.item_id = any(the_items) and (w.labeler_id = the_user or w.reviewer_id = the_user)
    ) then
        return;
    end if;
    update work as w
    set lease_until = case when w.status = 'held' then now() + make_interval(secs => q.lease_seconds) else w.lease_until end,
        review_until = case
            when w.status = 'held' then w.review_until else now() + make_interval(secs => q.lease_seconds)
        end
    from queues as q
    where w.queue_id = q.id and w.item_id = any(the_items) and w.present and (
        (
            w.status = 'held' and w.labeler_id = the_user
            and w.lease_until < now() + make_interval(secs => q.lease_seconds * 0.75)
        )
        or (
            w.status in ('done', 'checked') and w.reviewer_id = the_user
            and w.review_until < now() + make_interval(secs => q.lease_seconds * 0.75)
        )
    );
end;
$$;

-- A disjoint check that blocks holds from both sides where both collections are of one account: a change of the collection that
-- it names is held against it, too. (Of another account's check nobody here need know, and it could not refuse anything here.)
-- A collection that none names pays one look into this index, in the statement that locks it.
-- squawk-ignore require-concurrent-index-creation
create index collection_checks_by_named on collection_checks ((params ->> 'collection'))
where kind = 'disjoint' and blocks;

create or replace function hold_collection(the_id integer, the_public_id text, adding integer) returns table (
    id integer, kind text, public_id text, owner_id integer, owner text, visibility text, title text, name text,
    description text, theme text, tags text [], revision integer, entry_count integer, deleted_at timestamptz,
    container_id integer, has_checks boolean, is_live boolean
)
language plpgsql
as $$
begin
    if adding is not null then
        perform pg_advisory_xact_lock_shared(adding, 0);
    end if;
    perform from collections as c
    where c.id = coalesce(the_id, (select n.id from collections as n where n.public_id = the_public_id))
    for no key update;
    return query
    select
        c.id, c.kind, c.public_id, i.owner_id, o.name, i.visibility, i.title, i.name, c.description, c.theme, c.tags,
        c.revision, c.entry_count, i.deleted_at, i.container_id,
        exists (select from collection_checks as k where k.collection_id = c.id) or exists (
            select from collection_checks as k
            inner join items as n on k.collection_id = n.id
            where k.params ->> 'collection' = c.public_id and k.kind = 'disjoint' and k.blocks
            and n.owner_id = i.owner_id
        ),
        exists (select from live_collections as l where l.collection_id = c.id)
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as o on i.owner_id = o.id
    where c.id = coalesce(the_id, (select n.id from collections as n where n.public_id = the_public_id));
end;
$$;

-- Whether somebody labels one of some items in a queue (or a job without one) that limits what he may draw there; who labels
-- everything in the account that owns it is not limited. A function of its own, as its plan is kept: it is asked for with
-- each annotation that is saved.
create function is_limited(
    the_items integer [], the_user integer, everything boolean, labelers integer []
) returns boolean
language plpgsql stable as $$
begin
    if everything or not exists (
        select from work as w
        where w.item_id = any(the_items) and w.labeler_id = the_user and w.status in ('held', 'rejected') and w.present
    ) then
        return false;
    end if;
    return exists (
        select from work as w
        inner join jobs as j on w.job_id = j.id
        inner join queues as q on w.queue_id = q.id
        inner join items as p on q.project_id = p.id
        where w.item_id = any(the_items) and w.present and w.status in ('held', 'rejected')
        and j.user_id = the_user and j.archived_at is null
        and q.settings @? '$ ? (@.figures_limit > 0 || @.tags_limit > 0 || exists(@.classes[*]))'
        and not p.owner_id = any(labelers)
    );
end;
$$;
