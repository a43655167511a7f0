-- What the scheduler owns: catalogue, trainers, calendars, cohorts, plans, visits and the timetable.
-- Which table belongs to what: services/scheduler/__init__.py

create extension if not exists btree_gist;

create table worlds (
    country  text primary key,
    version  bigint not null default 1
);
comment on table worlds is 'Counts every change that planning in a country must know of; locked before a date is set.';

create table people (
    person_id  uuid primary key,
    key_name   text not null,
    name       text not null,
    country    text not null,
    languages  text[] not null,
    trainer    boolean not null,
    active     boolean not null
);
create index people_key on people (key_name);
create index people_country on people (country) where trainer;
comment on table people is 'Copies of directory''s people: only what planning and its pages need.';

create table enterprises (
    enterprise_id      uuid primary key,
    key_name           text not null,
    name               text not null,
    country            text not null,
    region             text not null,
    zone               text not null,
    latitude           double precision not null,
    longitude          double precision not null,
    working_weekdays   integer[] not null,
    manager_languages  text[] not null,
    worker_languages   text[] not null,
    closed             jsonb not null,
    active             boolean not null
);
create index enterprises_key on enterprises (key_name);
create index enterprises_country on enterprises (country, name);
comment on table enterprises is 'Copies of directory''s enterprises.';

create table modules (
    code     text primary key,
    title    text not null,
    version  text not null
);

create table delivery_plans (
    delivery_plan_id  uuid primary key,
    module            text not null references modules,
    country           text not null default '',
    version           integer not null check (version > 0),
    unique (module, country, version)
);
comment on table delivery_plans is 'Versioned: a cohort keeps the one it began with. Country empty: every country without its own.';

create table stages (
    delivery_plan_id  uuid not null references delivery_plans,
    stage             text not null,
    kind              text not null check (kind in ('baseline', 'classroom', 'consultancy')),
    position          integer not null,
    days              integer not null check (days between 1 and 10),
    minutes           integer not null check (minutes between 30 and 600),
    after             text[] not null,
    min_gap_days      integer not null check (min_gap_days >= 0),
    max_gap_days      integer check (max_gap_days >= min_gap_days),
    offset_days       integer check (offset_days >= 0),
    online            boolean not null,
    primary key (delivery_plan_id, stage)
);

create table trainers (
    person_key           text primary key,
    latitude             double precision not null,
    longitude            double precision not null,
    region               text not null,
    working_weekdays     integer[] not null,
    max_visits_per_day   integer not null,
    max_visits_per_week  integer not null,
    conflicts            text[] not null
);

create table certificates (
    person_key  text not null,
    module      text not null,
    level       text not null check (level in ('candidate', 'certified', 'expert')),
    valid_from  date not null,
    valid_to    date check (valid_to >= valid_from),
    primary key (person_key, module, level, valid_from)
);
create index certificates_module on certificates (module);

create table leave (
    person_key  text not null,
    first       date not null,
    last        date not null check (last >= first),
    primary key (person_key, first)
);

create table holidays (
    country  text not null,
    region   text not null default '',
    day      date not null,
    name     text not null,
    primary key (country, day, region)
);

create table cohorts (
    cohort_id         uuid primary key,
    name              text not null,
    country           text not null,
    zone              text not null,
    module            text not null references modules,
    delivery_plan_id  uuid not null references delivery_plans,
    trainer_keys      text[],
    first_day         date not null,
    last_day          date not null check (last_day >= first_day),
    state             text not null check (state in
                          ('planning', 'planned', 'infeasible', 'failed', 'published', 'completed', 'cancelled')),
    plan_id           uuid,
    trouble           text,
    created_by        uuid,
    request_id        uuid unique,
    created_at        timestamptz not null,
    published_at      timestamptz,
    ended_at          timestamptz,
    cancel_reason     text
);
create index cohorts_country on cohorts (country, created_at desc);
comment on column cohorts.trainer_keys is 'Null: every trainer of the country.';

create table cohort_enterprises (
    cohort_id      uuid not null references cohorts,
    enterprise_id  uuid not null,
    position       integer not null,
    module         text not null,
    open           boolean not null default true,
    primary key (cohort_id, enterprise_id)
);
create unique index one_open_cohort_of_a_module on cohort_enterprises (enterprise_id, module) where open;

create table visits (
    visit_id            uuid primary key,
    cohort_id           uuid references cohorts,
    country             text not null,
    module              text,
    kind                text not null check (kind in ('baseline', 'classroom', 'consultancy', 'follow_up', 'verification')),
    stage               text not null,
    position            integer not null,
    enterprise_ids      uuid[] not null check (cardinality(enterprise_ids) > 0),
    days                integer not null,
    minutes             integer not null,
    online              boolean not null,
    window_first        date not null,
    window_last         date not null,
    target              date,
    prefer_trainer_id   uuid,
    excluded_ids        uuid[] not null default '{}',
    cause_id            uuid,
    carried_from        uuid references visits,
    state               text not null check (state in
                            ('draft', 'placing', 'booked', 'confirmed', 'unplaceable', 'reported', 'withdrawn')),
    revision            integer not null default 0,
    announced           boolean not null default false,
    trainer_id          uuid,
    co_trainer_ids      uuid[] not null default '{}',
    former_trainer_id   uuid,
    day                 date,
    start_time          time,
    end_time            time,
    zone                text not null,
    starts_at           timestamptz,
    ends_at             timestamptz check (ends_at > starts_at),
    moves               integer not null default 0,
    reasons             jsonb not null default '[]',
    whole               boolean,
    changed_at          timestamptz not null,
    check (state not in ('booked', 'confirmed') or (trainer_id is not null and starts_at is not null))
);
create index visits_cohort on visits (cohort_id, position);
create index visits_time on visits (country, starts_at) where starts_at is not null;
create index visits_state on visits (country, state);
create index visits_day on visits (country, day);
create index visits_cause on visits (cause_id) where cause_id is not null;
create index visits_trainer on visits (trainer_id, starts_at);
comment on column visits.day is 'With start_time, end_time and zone the intended wall time; starts_at and ends_at follow from it.';
comment on column visits.announced is 'Whether VisitScheduled was said: afterwards it moves, is reassigned or is withdrawn.';
comment on column visits.cause_id is 'The action or case that wanted it. Never shown.';

create table timetable (
    visit_id    uuid not null references visits,
    trainer_id  uuid not null,
    during      tstzrange not null check (not isempty(during)),
    primary key (visit_id, trainer_id),
    constraint nobody_is_booked_twice exclude using gist (trainer_id with =, during with &&)
);
comment on table timetable is 'Who is where when: nobody twice, even by two plans published at once.';

create table refusals (
    visit_id    uuid not null references visits,
    trainer_id  uuid not null,
    why         text not null,
    at          timestamptz not null,
    primary key (visit_id, trainer_id)
);
comment on table refusals is 'Who declined a visit or let its offer lapse: never asked again for it.';

create table visit_steps (
    visit_id    uuid not null references visits,
    step        integer not null,
    at          timestamptz not null,
    what        text not null,
    trainer_id  uuid,
    detail      text,
    primary key (visit_id, step)
);
comment on table visit_steps is 'What became of a visit, for people to read; the outbox is the record.';

create table plans (
    plan_id        uuid primary key,
    cohort_id      uuid not null references cohorts,
    state          text not null check (state in ('proposed', 'published', 'superseded')),
    status         text not null,
    cost           double precision not null,
    bound          double precision not null,
    gap            double precision not null,
    parts          jsonb not null,
    world_version  bigint not null,
    created_at     timestamptz not null,
    published_at   timestamptz
);
create index plans_cohort on plans (cohort_id, created_at desc);

create table plan_placements (
    plan_id         uuid not null references plans,
    visit_id        uuid not null references visits,
    trainer_id      uuid not null,
    co_trainer_ids  uuid[] not null,
    day             date not null,
    start_time      time not null,
    end_time        time not null,
    days            integer not null,
    starts_at       timestamptz not null,
    ends_at         timestamptz not null,
    zone            text not null,
    why             jsonb not null,
    primary key (plan_id, visit_id)
);

create table plan_unplaced (
    plan_id      uuid not null references plans,
    visit_id     uuid not null references visits,
    reasons      jsonb not null,
    relaxations  jsonb not null,
    primary key (plan_id, visit_id)
);

create table planning_jobs (
    job_id       uuid primary key,
    kind         text not null check (kind in ('cohort', 'reassign', 'place')),
    country      text not null,
    cohort_id    uuid references cohorts,
    visit_id     uuid references visits,
    reason       text not null,
    priority     integer not null,
    state        text not null check (state in ('queued', 'running', 'done', 'failed')),
    attempts     integer not null default 0,
    holder       text,
    lease_until  timestamptz,
    not_before   timestamptz,
    progress     jsonb,
    trouble      text,
    queued_at    timestamptz not null default clock_timestamp(),
    started_at   timestamptz,
    finished_at  timestamptz,
    check ((kind = 'cohort') = (visit_id is null))
);
create index planning_jobs_next on planning_jobs (priority, queued_at) where state in ('queued', 'running');
create index planning_jobs_cohort on planning_jobs (cohort_id, queued_at desc);
comment on table planning_jobs is 'The planner''s queue. Its times are machine time: a lease must lapse while business time stands still.';
