-- The kit's own tables, the same in every service's database. What each is for: docs/architecture/delivery.md

create table outbox (
    seq          bigint generated always as identity (cache 1) primary key,
    event_id     uuid not null unique,
    topic        text not null,
    aggregate    uuid not null,
    version      bigint not null check (version > 0),
    type         text,           -- null on a state topic: the relay reads the state when it publishes
    body         bytea,
    occurred_at  timestamptz not null,
    traceparent  text not null,
    lane         text not null check (lane in ('general', 'zero_tolerance', 'state')),
    unique (topic, aggregate, version),
    check ((type is null) = (body is null))
);
comment on table outbox is 'Append-only: every fact this service ever emitted, in the order it will be published.';

create table outbox_pending (
    seq   bigint primary key references outbox,
    lane  text not null
);
create index outbox_pending_lane on outbox_pending (lane, seq);
comment on table outbox_pending is 'What is not yet acknowledged by the broker: the to-do list beside the log.';

create table watermarks (
    consumer   text not null,
    topic      text not null,
    aggregate  uuid not null,
    version    bigint not null,
    event_id   uuid not null,
    primary key (consumer, topic, aggregate)
);
comment on table watermarks is 'The inbox: the last version handled of each aggregate. Never pruned.';

create table parked (
    id           bigint generated always as identity primary key,
    consumer     text not null,
    cluster      text not null,
    topic        text not null,
    partition    integer not null,
    position     bigint not null,
    key          bytea,
    headers      bytea not null,
    value        bytea,
    aggregate    uuid,
    version      bigint,
    event_id     uuid,
    state        text not null check (state in ('waiting', 'failing', 'quarantined', 'refused', 'skip', 'skipped')),
    reason       text not null,
    failures     integer not null default 0,
    tries        integer not null default 0,
    next_at      timestamptz check ((next_at is not null) = (state in ('waiting', 'failing', 'skip'))),
    parked_at    timestamptz not null default clock_timestamp(),
    unique (consumer, cluster, topic, partition, position)
);
create index parked_next on parked (consumer, next_at, version, id) where next_at is not null;
create index parked_aggregate on parked (consumer, topic, aggregate, version);
comment on table parked is 'Facts that wait, fail, are quarantined or were refused, with their raw bytes. Machine time.';

create table state_copies (
    topic      text not null,
    aggregate  uuid not null,
    version    bigint not null,
    erased     boolean not null,
    primary key (topic, aggregate)
);
comment on table state_copies is 'The version of each key of a state topic, owned or copied; kept for ever, beats late older copies.';

create sequence timer_generation;  -- one for all: a generation is never used again, not even after a disarm
create table timers (
    kind        text not null,
    aggregate   uuid not null,
    generation  bigint not null,
    due_at      timestamptz not null,
    armed_at    timestamptz not null,
    failures    integer not null default 0,
    retry_at    timestamptz,
    primary key (kind, aggregate)
);
create index timers_due on timers (due_at);
comment on table timers is 'Deadlines in business time; retry_at is machine time.';

create table commands (
    scope         text not null,
    key           text not null,
    request_hash  bytea not null,
    result_id     uuid,
    created_at    timestamptz not null default clock_timestamp(),
    primary key (scope, key)
);
comment on table commands is 'Idempotency keys of commands: key, hash of the request, id of the result.';

create table log_state (
    single      boolean primary key default true check (single),
    cluster     text,
    epoch       bigint not null default 0
);
insert into log_state default values;
comment on table log_state is 'The cluster this service publishes to, and how often it was asked to replay.';

create table leases (
    name    text primary key,
    holder  text not null,
    until   timestamptz not null
);
comment on table leases is 'Who does what only one may do, in database time.';
