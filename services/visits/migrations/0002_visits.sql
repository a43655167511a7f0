-- Copies of what directory says (no contact points), and visits with their offers, reports, findings and actions.

create table people (
    person_id        uuid primary key,
    name             text not null,
    country          text not null,
    roles            text[] not null,
    countries        text[] not null,
    language         text not null,
    zone             text not null,
    active           boolean not null,
    line_manager_id  uuid,
    enterprise_id    uuid
);
create index people_roles on people using gin (roles);
create index people_enterprise on people (enterprise_id);
comment on table people is 'Copy of gemba.person without contact points; an erased person has no row.';

create table enterprises (
    enterprise_id  uuid primary key,
    name           text not null,
    country        text not null,
    region         text not null,
    zone           text not null,
    contact_ids    uuid[] not null,
    active         boolean not null
);
comment on table enterprises is 'Copy of gemba.enterprise; an erased one has no row.';

create table visits (
    visit_id       uuid primary key,
    cohort_id      uuid,
    country        text not null,
    kind           text not null,
    stage          text not null,
    module         text not null,
    enterprise_ids uuid[] not null check (cardinality(enterprise_ids) > 0),
    trainer_id     uuid not null,
    starts_at      timestamptz not null,
    ends_at        timestamptz not null check (ends_at > starts_at),
    zone           text not null,
    cause_id       uuid,
    state          text not null check (state in
                   ('offered', 'confirmed', 'declined', 'lapsed', 'missed', 'reported', 'cancelled')),
    offer          integer not null check (offer > 0),
    respond_by     timestamptz not null,
    co_trainer_ids uuid[] not null default '{}',
    reschedule_wanted_at timestamptz
);
create index visits_trainer on visits (trainer_id, starts_at, visit_id);
create index visits_country on visits (country, starts_at, visit_id);
create index visits_cohort on visits (cohort_id);
create index visits_cause on visits (cause_id) where cause_id is not null;
comment on table visits is 'Visits after publication. cause_id is shown on the page of the case or action alone.';

create table visit_offers (
    visit_id     uuid not null references visits,
    offer        integer not null,
    trainer_id   uuid not null,
    starts_at    timestamptz not null,
    ends_at      timestamptz not null,
    offered_at   timestamptz not null,
    respond_by   timestamptz not null,
    answer       text check (answer in ('accepted', 'declined', 'lapsed', 'withdrawn')),
    answered_at  timestamptz check ((answered_at is null) = (answer is null)),
    reason       text,
    via          text,
    primary key (visit_id, offer)
);
comment on table visit_offers is 'Every time somebody was asked, and what became of it.';

create table reports (
    report_id    uuid primary key,
    visit_id     uuid not null references visits,
    offer        integer not null,
    trainer_id   uuid not null,
    whole        boolean not null,
    managers     integer not null check (managers >= 0),
    workers      integer not null check (workers >= 0),
    summary      text not null,
    one_tap      boolean not null,
    reported_at  timestamptz not null,
    unique (visit_id, offer)
);
comment on table reports is 'One report of each time a visit was to be done; a partial one is followed by a new offer.';

create table findings (
    finding_id     uuid primary key,
    report_id      uuid not null references reports,
    visit_id       uuid not null references visits,
    enterprise_id  uuid not null,
    country        text not null,
    item           integer not null check (item between 1 and 9),
    grade          text not null check (grade in ('observation', 'minor', 'major')),
    text           text not null,
    recorded_at    timestamptz not null
);
create index findings_report on findings (report_id);
comment on table findings is 'Ordinary findings. What is suspected of zero tolerance is a case and never stands here.';

create table actions (
    action_id            uuid primary key,
    finding_id           uuid not null unique references findings,
    visit_id             uuid not null references visits,
    enterprise_id        uuid not null,
    country              text not null,
    item                 integer not null,
    grade                text not null,
    module               text not null,
    owner_id             uuid not null,
    trainer_id           uuid not null,
    opened_at            timestamptz not null,
    due_at               timestamptz,
    verification         text not null check (verification in ('desk', 'visit')),
    state                text not null check (state in ('open', 'submitted', 'visited', 'verified')),
    tier                 integer not null default 0,
    follow_up_visit_id   uuid,
    verified_by          uuid,
    verified_at          timestamptz,
    rules_version        integer not null,
    check ((state = 'verified') = (verified_at is not null))
);
create index actions_country on actions (country, due_at, action_id);
create index actions_owner on actions (owner_id);
create index actions_enterprise on actions (enterprise_id);
create index actions_follow_up on actions (follow_up_visit_id) where follow_up_visit_id is not null;

create table evidence (
    evidence_id   uuid primary key,
    action_id     uuid not null references actions,
    submitted_by  uuid not null,
    submitted_at  timestamptz not null,
    text          text not null,
    state         text not null check (state in ('submitted', 'returned', 'accepted')),
    decided_by    uuid,
    decided_at    timestamptz,
    reason        text
);
create index evidence_action on evidence (action_id, submitted_at);

create table action_events (
    seq        bigint generated always as identity primary key,
    action_id  uuid not null references actions,
    at         timestamptz not null,
    actor_id   uuid,
    what       text not null,
    detail     jsonb not null default '{}'
);
create index action_events_action on action_events (action_id, seq);
comment on table action_events is 'What happened to an action, in order; a null actor is the clock.';
