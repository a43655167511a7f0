-- Plans that are looked at before they are published: weights, what-if copies, their making, and repairs afterwards.

alter table plans
    add column weights      jsonb not null default '{}',
    add column loads        jsonb not null default '[]',
    add column trace        jsonb not null default '[]',
    add column assumptions  jsonb;
comment on column plans.weights is 'The weights it was made with; what is not named had its default.';
comment on column plans.loads is 'Visits, kilometres and nights of each trainer when it was made.';
comment on column plans.trace is 'How it came about: seconds, best cost, proven bound, visits without a place.';
comment on column plans.assumptions is 'What was supposed when it was made; null for a proposal for the world as it is.';

alter table plans drop constraint plans_state_check;
alter table plans add constraint plans_state_check
    check (state in ('proposed', 'published', 'superseded', 'what_if')) not valid;
alter table plans validate constraint plans_state_check;

alter table planning_jobs add column assumptions jsonb;
comment on column planning_jobs.assumptions is 'Of a what-if copy: it answers a question and changes nothing.';

create table plan_weights (
    country    text not null,
    cohort_id  uuid references cohorts,
    weights    jsonb not null,
    changed_at timestamptz not null,
    changed_by uuid
);
create unique index plan_weights_country on plan_weights (country) where cohort_id is null;
create unique index plan_weights_cohort on plan_weights (cohort_id) where cohort_id is not null;
comment on table plan_weights is 'What a point is, set by a country''s coordinators; a cohort''s own go before its country''s.';

create table repairs (
    repair_id      uuid primary key,
    country        text not null,
    cause          jsonb not null,
    state          text not null check (state in ('proposed', 'applied')),
    planned_in     text not null,
    world_version  bigint not null,
    changes        jsonb not null,
    figures        jsonb not null,
    created_at     timestamptz not null,
    created_by     uuid,
    applied_at     timestamptz
);
create index repairs_country on repairs (country, created_at desc);
comment on table repairs is 'Changes of published visits after a disruption: looked at first, then applied as one act.';
