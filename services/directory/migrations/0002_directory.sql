-- What directory owns. What each table is for stands in its comment.

create table people (
    person_id        uuid primary key,
    key_name         text not null,
    name             text not null,
    country          text not null,
    roles            text[] not null,
    countries        text[] not null,
    language         text not null,
    zone             text not null,
    languages        text[] not null,
    line_manager_id  uuid references people deferrable initially deferred,
    enterprise_id    uuid,
    active           boolean not null default true,
    erased_key       bytea unique,
    created_at       timestamptz not null,
    changed_at       timestamptz not null,
    check (erased_key is null or not active)
);
create unique index people_key on people (lower(key_name));
create index people_page on people (name, person_id) where erased_key is null;
create index people_roles on people using gin (roles);
create index people_line_manager on people (line_manager_id) where line_manager_id is not null;
create index people_enterprise on people (enterprise_id) where enterprise_id is not null;
comment on table people is 'Who somebody is and what they may do. An erased one keeps its id and a hash of its key, nothing else.';

create table contact_points (
    person_id     uuid not null references people,
    channel       text not null check (channel in ('email', 'sms')),
    address       text not null,
    address_hash  bytea not null,
    verified_at   timestamptz,
    source        text not null,
    primary key (person_id, channel)
);
create unique index contact_points_email on contact_points (address_hash) where channel = 'email';
comment on table contact_points is 'Where messages may go. An e-mail address belongs to one person: it is what they sign in with.';

create table enterprises (
    enterprise_id      uuid primary key,
    key_name           text not null,
    name               text not null,
    country            text not null,
    region             text not null,
    zone               text not null,
    latitude           double precision not null,
    longitude          double precision not null,
    working_weekdays   smallint[] not null,
    manager_languages  text[] not null,
    worker_languages   text[] not null,
    manager_contact_id uuid references people deferrable initially deferred,
    worker_contact_id  uuid references people deferrable initially deferred,
    active             boolean not null default true,
    created_at         timestamptz not null,
    changed_at         timestamptz not null
);
create unique index enterprises_key on enterprises (lower(key_name));
create index enterprises_page on enterprises (country, name, enterprise_id);
create index enterprises_manager on enterprises (manager_contact_id);
create index enterprises_worker on enterprises (worker_contact_id);
comment on table enterprises is 'Enterprises with their site. Weekdays are ISO numbers, Monday is 1.';

alter table people add foreign key (enterprise_id) references enterprises deferrable initially deferred;

create table closed_days (
    enterprise_id  uuid not null references enterprises,
    first          date not null,
    last           date not null,
    reason         text not null,
    primary key (enterprise_id, first),
    check (first <= last)
);
comment on table closed_days is 'When an enterprise is closed or cannot be visited; both days included.';

create table imports (
    import_id    uuid primary key,
    imported_at  timestamptz not null,
    imported_by  uuid not null,
    file_hash    bytea not null,
    counts       jsonb not null
);
comment on table imports is 'Which workbooks were taken, by whom, with what effect: the answer to a repeated command.';

create table sign_in_requests (
    request_id    uuid primary key,
    address_hash  bytea not null,
    next_path     text not null,
    requested_at  timestamptz not null,
    state         text not null default 'waiting' check (state in ('waiting', 'sent', 'ignored', 'failed')),
    attempts      integer not null default 0,
    retry_at      timestamptz not null default clock_timestamp(),
    used_at       timestamptz,
    session_id    uuid
);
create index sign_in_requests_address on sign_in_requests (address_hash, requested_at);
create index sign_in_requests_waiting on sign_in_requests (retry_at) where state = 'waiting';
create index sign_in_requests_old on sign_in_requests (requested_at);
comment on table sign_in_requests is
    'Every wish to sign in, known address or not: what HTTP does is the same for both. retry_at is machine time.';

create table sign_in_links (
    token_hash  bytea primary key,
    request_id  uuid not null references sign_in_requests on delete cascade,
    person_id   uuid not null references people,
    expires_at  timestamptz not null
);
create index sign_in_links_request on sign_in_links (request_id);
create index sign_in_links_person on sign_in_links (person_id);
comment on table sign_in_links is
    'One link per attempt to mail it, hashed: the link itself exists in the mail alone. Using one uses up its request.';

create table sessions (
    session_id  uuid primary key,
    token_hash  bytea not null unique,
    person_id   uuid not null references people,
    kind        text not null check (kind in ('session', 'token')),
    label       text not null default '',
    created_at  timestamptz not null default clock_timestamp(),
    seen_at     timestamptz not null default clock_timestamp(),
    expires_at  timestamptz not null,
    ended_at    timestamptz
);
create index sessions_person on sessions (person_id) where ended_at is null;
comment on table sessions is
    'Browser sessions and CLI tokens, hashed. All instants are machine time: a steered clock neither ends nor revives one.';
