-- name: applied_migrations
-- The migrations that this database has seen.
select name, checksum from schema_migrations order by name;

-- name: record_migration
-- Remember that a migration was applied, and what it said.
insert into schema_migrations (name, checksum) values (%(name)s, %(checksum)s);

-- name: defer_job
-- Write a background job, inside the caller's transaction: a rollback leaves none.
select (tasks.procrastinate_defer_jobs_v1(array[row(
    %(queue)s, %(task)s, %(priority)s, %(lock)s, %(queueing_lock)s, %(args)s, %(at)s
)::tasks.procrastinate_job_to_defer_v1]))[1];

-- name: be_patient
-- Let the statements of this transaction take longer than those of requests may, where there is a limit for these at all.
select set_config('statement_timeout', '10min', true)
where current_setting('statement_timeout')::interval between interval '1 millisecond' and interval '10 minutes';

-- name: plan_anew
-- Forget the plans that this connection keeps: the next use of each statement and each foreign key makes one for the tables as
-- they are by then.
discard plans;

-- name: defer_jobs
-- Write several background jobs that are alike but for their arguments, inside the caller's transaction.
select tasks.procrastinate_defer_jobs_v1(array_agg(row(
    %(queue)s::text, %(task)s::text, 0, null, null, c.args, null
)::tasks.procrastinate_job_to_defer_v1))
from unnest(%(calls)s::jsonb []) as c (args);

-- name: server_secret
-- A key that the server makes for itself: the one that is kept, or a new one where there is none yet. Of two who make one
-- at the same time the second gets the first one's.
insert into server_secrets (name, value) values (%(name)s, %(new)s)
on conflict (name) do update set name = excluded.name
returning value;
