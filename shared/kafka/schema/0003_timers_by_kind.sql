-- What falls due is looked for kind by kind, and what failed apart from it: so what only waits is never read.

create index timers_next on timers (kind, due_at) where retry_at is null;
create index timers_failed on timers (kind) where retry_at is not null;
