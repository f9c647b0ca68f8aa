-- name: grants -> Grant
-- Every role that a user holds, and why, for the answer to "why may I (not)?".
select r.account_id, a.name as account, r.role, r.because
from roles_of(%(user_id)s) as r
inner join accounts as a on r.account_id = a.id
order by a.name, r.role;
