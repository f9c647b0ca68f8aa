-- name: default_owner
-- Where a user's runs go when he does not say it: the account that he chose, else his own.
select coalesce(d.name, u.name)
from accounts as u
left join accounts as d on u.default_account_id = d.id and d.deleted_at is null
where u.id = %(id)s::integer and u.deleted_at is null;

-- name: runs -> Run
-- Many runs by their numbers, in that order, as one reader sees them; in short, without what can be long.
select
    r.id, r.project_id, p.name as project, p.owner_id, o.name as owner, p.visibility, r.name, r.display_name,
    r.group_name, r.job_type, r.description, r.notes, r.commit, r.host, r.program, r.repo, r.sweep, r.tags,
    case when %(full)s::boolean then r.config end as config,
    case when %(full)s::boolean then r.summary end as summary,
    case when %(full)s::boolean then r.system_metrics end as system_metrics,
    run_state(r.state, r.heartbeat_at) as state, r.exit_code, r.stop_asked, r.user_id, u.name as user,
    r.history_count, r.event_count, r.log_count, r.last_step, r.created_at, r.updated_at, r.heartbeat_at
from unnest(%(ids)s::integer []) with ordinality as wanted (id, n)
inner join runs as r on wanted.id = r.id
inner join items as p on r.project_id = p.id
inner join accounts as o on p.owner_id = o.id
left join accounts as u on r.user_id = u.id and u.deleted_at is null
where r.deleted_at is null and p.deleted_at is null
and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s::integer [])
order by wanted.n;

-- name: run_id_of
-- The run of that name in a project.
select r.id from runs as r
where r.project_id = %(project_id)s::integer and r.name = %(name)s::text and r.deleted_at is null;

-- name: runs_oldest_first
-- A page of the runs of a project, in the order in which they were made.
select r.id, r.created_at
from runs as r
where r.project_id = %(project_id)s::integer and r.deleted_at is null
and (r.created_at, r.id) > (%(after)s::timestamptz, %(after_id)s::integer)
order by r.created_at, r.id
limit %(limit)s::integer;

-- name: runs_newest_first
-- The same, the last first.
select r.id, r.created_at
from runs as r
where r.project_id = %(project_id)s::integer and r.deleted_at is null
and (r.created_at, r.id) < (%(before)s::timestamptz, %(before_id)s::integer)
order by r.created_at desc, r.id desc
limit %(limit)s::integer;

-- name: count_runs
-- How many runs a project has.
select count(*) from runs as r where r.project_id = %(project_id)s::integer and r.deleted_at is null;

-- name: next_run_number
-- The number for the generated name of a project's next run.
select count(*) + 1 from runs as r where r.project_id = %(project_id)s::integer;

-- name: create_run
-- A new run; null when the project has one of that name.
insert into runs (
    project_id, name, display_name, group_name, job_type, description, notes, commit, host, program, repo, sweep, tags,
    config, summary, state, user_id
)
values (
    %(project_id)s::integer, %(name)s::text, %(display_name)s::text, %(group_name)s::text, %(job_type)s::text,
    %(description)s::text, %(notes)s::text, %(commit)s::text, %(host)s::text, %(program)s::text, %(repo)s::text,
    %(sweep)s::text, coalesce(%(tags)s::text [], '{}'), coalesce(%(config)s::jsonb, '{}'),
    coalesce(%(summary)s::jsonb, '{}'), coalesce(%(state)s::text, 'running'), %(user_id)s::integer
)
on conflict (project_id, name) where deleted_at is null do nothing
returning id;

-- name: update_run
-- New values for a run; null leaves one as it is. When its program starts anew it is running again.
update runs as r
set
    display_name = coalesce(%(display_name)s::text, r.display_name),
    group_name = coalesce(%(group_name)s::text, r.group_name),
    job_type = coalesce(%(job_type)s::text, r.job_type),
    description = coalesce(%(description)s::text, r.description),
    notes = coalesce(%(notes)s::text, r.notes),
    commit = coalesce(%(commit)s::text, r.commit),
    host = coalesce(%(host)s::text, r.host),
    program = coalesce(%(program)s::text, r.program),
    repo = coalesce(%(repo)s::text, r.repo),
    sweep = coalesce(%(sweep)s::text, r.sweep),
    tags = coalesce(%(tags)s::text [], r.tags),
    config = coalesce(%(config)s::jsonb, r.config),
    summary = coalesce(%(summary)s::jsonb, r.summary),
    state = coalesce(
        %(state)s::text,
        case when %(alive)s::boolean and r.state not in ('running', 'preempting') then 'running' else r.state end
    ),
    exit_code = case
        when %(alive)s::boolean and r.state not in ('running', 'preempting') then null else r.exit_code
    end,
    stop_asked = r.stop_asked and not (%(alive)s::boolean and r.state not in ('running', 'preempting')),
    heartbeat_at = case when %(alive)s::boolean then now() else r.heartbeat_at end,
    updated_at = now()
where r.id = %(id)s::integer and r.deleted_at is null
returning r.id;

-- name: hold_run -> HeldRun
-- Hold a run while it is changed.
select r.id, r.project_id, p.owner_id, r.name, r.state, r.stop_asked, r.history_keys
from runs as r
inner join items as p on r.project_id = p.id
where r.id = %(id)s::integer and r.deleted_at is null and p.deleted_at is null
for no key update of r;

-- name: put_lines -> WrittenLine
-- Write lines of a stream; those that are there already, and the same, are passed over.
insert into run_lines as l (run_id, stream, number, line, step)
select %(run_id)s::integer, %(stream)s::text, u.number, u.line, u.step
from unnest(%(numbers)s::integer [], %(lines)s::text [], %(steps)s::bigint []) as u (number, line, step)
on conflict (run_id, stream, number) do update
set line = excluded.line, step = excluded.step
where l.line <> excluded.line
returning l.number, l.xmax = 0 as fresh;

-- name: note_stream
-- What a run has told of itself: how far its streams are, its summary, and that it lives or has ended.
update runs as r
set
    history_count = greatest(r.history_count, %(history_count)s::integer),
    event_count = greatest(r.event_count, %(event_count)s::integer),
    log_count = greatest(r.log_count, %(log_count)s::integer),
    summary = coalesce(%(summary)s::jsonb, r.summary),
    system_metrics = r.system_metrics || coalesce(%(system_metrics)s::jsonb, '{}'),
    history_keys = coalesce(%(history_keys)s::jsonb, r.history_keys),
    last_step = greatest(r.last_step, %(last_step)s::bigint),
    state = %(state)s::text,
    exit_code = coalesce(%(exit_code)s::integer, r.exit_code),
    heartbeat_at = now(),
    updated_at = now()
where r.id = %(id)s::integer;

-- name: set_run_state
-- Another state of a run, said from outside.
update runs set state = %(state)s::text, updated_at = now(), heartbeat_at = now() where id = %(id)s::integer;

-- name: ask_run_to_stop
-- Note that somebody wants a run to stop, if it goes on.
update runs set stop_asked = true, updated_at = now()
where id = %(id)s::integer and state in ('pending', 'running', 'preempting')
returning id;

-- name: delete_run
-- Mark a run as deleted; its name is free.
update runs set deleted_at = now(), updated_at = now() where id = %(id)s::integer;

-- name: versions_of_run
-- The committed versions that a run logged.
select v.id
from run_outputs as o
inner join versions as v on o.version_id = v.id
where o.run_id = %(id)s::integer and v.state = 'committed'
order by v.id;

-- name: tail
-- The last lines of a stream, in their order.
select l.line
from (
    select t.number, t.line
    from run_lines as t
    where t.run_id = %(run_id)s::integer and t.stream = %(stream)s::text
    order by t.number desc
    limit %(limit)s::integer
) as l
order by l.number;

-- name: last_number
-- The number of the last line of a stream.
select max(l.number) from run_lines as l where l.run_id = %(run_id)s::integer and l.stream = %(stream)s::text;

-- name: history_facts
-- The keys of a run's history, as they are kept, and its last step.
select r.history_keys, r.last_step from runs as r where r.id = %(run_id)s::integer;

-- name: history_page
-- Lines of the history from a step up to, not including, another.
select l.line
from run_lines as l
where l.run_id = %(run_id)s::integer and l.stream = 'history'
and l.step >= %(min_step)s::bigint and (%(max_step)s::bigint is null or l.step < %(max_step)s::bigint)
order by l.step, l.number
limit %(limit)s::integer;

-- name: numbers_with
-- The numbers of the history's lines in which all of some words occur, from a step up to another.
select l.number
from run_lines as l
where l.run_id = %(run_id)s::integer and l.stream = 'history'
and (%(min_step)s::bigint is null or l.step >= %(min_step)s::bigint)
and (%(max_step)s::bigint is null or l.step < %(max_step)s::bigint)
and not exists (
    select 1 from unnest(%(words)s::text []) as w (word) where strpos(l.line, w.word) = 0
)
order by l.number;

-- name: lines_at
-- Lines of a stream by their numbers.
select l.line
from run_lines as l
where l.run_id = %(run_id)s::integer and l.stream = %(stream)s::text and l.number = any(%(numbers)s::integer [])
order by l.number;

-- name: log_page -> LogLine
-- A page of a run's console.
select l.number, l.line
from run_lines as l
where l.run_id = %(run_id)s::integer and l.stream = 'output' and l.number > %(after)s::integer
order by l.number
limit %(limit)s::integer;

-- name: log_tail -> LogLine
-- The last lines of a run's console, in their order.
select t.number, t.line
from (
    select l.number, l.line
    from run_lines as l
    where l.run_id = %(run_id)s::integer and l.stream = 'output'
    order by l.number desc
    limit %(limit)s::integer
) as t
order by t.number;

-- name: run_files -> RunFile
-- A page of a run's files by name: of some names, or like a pattern.
select f.id, f.run_id, f.name, f.object_key, f.size, f.md5, f.mimetype, f.updated_at
from run_files as f
where f.run_id = %(run_id)s::integer and f.name > %(after)s::text
and (%(names)s::text [] is null or f.name = any(%(names)s::text []))
and (%(pattern)s::text is null or f.name like %(pattern)s::text escape '')
order by f.name
limit %(limit)s::integer;

-- name: count_run_files
-- How many files a run has: of some names, or like a pattern.
select count(*)
from run_files as f
where f.run_id = %(run_id)s::integer
and (%(names)s::text [] is null or f.name = any(%(names)s::text []))
and (%(pattern)s::text is null or f.name like %(pattern)s::text escape '');

-- name: files_to_delete -> FileOfRun
-- Files of runs that somebody wants gone.
select f.id, f.run_id, f.object_key from run_files as f where f.id = any(%(ids)s::integer []) order by f.id;

-- name: delete_run_files
-- Forget files of runs; returns the objects that they were.
delete from run_files as f where f.id = any(%(ids)s::integer []) returning f.object_key;

-- name: mark_crashed
-- Write down that the runs crashed that have not been heard of for five minutes.
update runs as r
set state = 'crashed', updated_at = now()
where r.state = 'running' and r.deleted_at is null and r.heartbeat_at < now() - interval '5 minutes'
returning r.id;

-- name: runs_to_empty
-- Deleted runs that still have lines or files.
select r.id
from runs as r
where r.deleted_at is not null
and (
    exists (select 1 from run_lines as l where l.run_id = r.id)
    or exists (select 1 from run_files as f where f.run_id = r.id)
)
limit %(limit)s::integer;

-- name: drop_lines
-- Drop some of the lines of a deleted run.
delete from run_lines as l
where l.run_id = %(run_id)s::integer
and exists (select 1 from runs as r where r.id = %(run_id)s::integer and r.deleted_at is not null)
and (l.stream, l.number) in (
    select t.stream, t.number from run_lines as t where t.run_id = %(run_id)s::integer limit %(limit)s::integer
);

-- name: drop_files_of_run
-- Forget the files of a deleted run; returns the objects that they were.
delete from run_files as f
where f.run_id = %(run_id)s::integer
and exists (select 1 from runs as r where r.id = %(run_id)s::integer and r.deleted_at is not null)
returning f.object_key;
