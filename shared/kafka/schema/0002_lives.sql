-- An installation begins a new life with each restore: nothing is due in it until an operator has looked.

create table lives (
    number        integer primary key check (number > 0),
    restore_id    uuid unique,
    began_at      timestamptz not null default clock_timestamp(),
    left_cluster  text,
    released_at   timestamptz,
    released_by   uuid,
    check ((restore_id is null) = (number = 1))
);
insert into lives (number, released_at) values (1, clock_timestamp());
comment on table lives is 'Restores of this database: left_cluster is the log that must never be published to again. Machine time.';

create function on_hold() returns boolean language sql stable
    as $$ select exists (select from lives where released_at is null) $$;
comment on function on_hold is 'Whether deadlines and messages stand still after a restore, until an operator releases them.';
