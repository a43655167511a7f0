-- Copies of what others own. Names and contact points stand here and in directory, nowhere else.

create table people (
    person_id      uuid primary key,
    name           text not null,
    country        text not null,
    roles          text[] not null,
    countries      text[] not null,
    language       text not null,
    zone           text not null,
    active         boolean not null,
    contact_points jsonb not null
);
create index people_roles on people using gin (roles);
comment on table people is 'Copy of gemba.person; a row is deleted when its person is erased.';

create table preferences (
    person_id   uuid primary key,
    channels    text[] not null check (channels <> '{}'),
    quiet_from  time,
    quiet_until time check ((quiet_from is null) = (quiet_until is null)),
    language    text,
    updated_at  timestamptz not null
);
comment on table preferences is 'What somebody chose for themselves; deleted when they are erased. No quiet hours: both null.';

create table enterprises (
    enterprise_id uuid primary key,
    name          text not null,
    country       text not null,
    region        text not null,
    zone          text not null,
    contact_ids   uuid[] not null
);
comment on table enterprises is 'Copy of gemba.enterprise.';

create table bookings (
    visit_id          uuid primary key,
    tells_enterprise  boolean not null,
    co_trainer_ids    uuid[] not null
);
comment on table bookings is 'What only the timetable says of a visit: who comes along, and whether its enterprise may be told.';
comment on column bookings.tells_enterprise is 'False for a visit that verifies the fix of a case: until its officer says so, no message tells the enterprise.';

create table visits (
    visit_id          uuid primary key,
    country           text not null,
    kind              text not null check (kind <> 'verification'),
    enterprise_ids    uuid[] not null,
    trainer_id        uuid not null,
    offer             integer not null,
    starts_at         timestamptz not null,
    ends_at           timestamptz not null,
    zone              text not null,
    state             text not null check (state in
                          ('offered', 'confirmed', 'declined', 'lapsed', 'reported', 'missed', 'cancelled')),
    sequence          integer not null,
    co_trainer_ids    uuid[] not null,
    invited_ids       uuid[] not null
);
comment on table visits is 'What messages need of a visit. A verification is kept as any other follow-up.';
comment on column visits.sequence is 'The SEQUENCE of its calendar entry (RFC 5546): grows with every change.';
comment on column visits.co_trainer_ids is 'Those who come along and hold a calendar entry.';
comment on column visits.invited_ids is 'Contacts of the enterprises who hold a calendar entry.';

create table actions (
    action_id     uuid primary key,
    country       text not null,
    enterprise_id uuid not null,
    item          integer not null,
    owner_id      uuid not null,
    due_at        timestamptz,
    state         text not null check (state in ('open', 'submitted', 'verified', 'cancelled'))
);
comment on table actions is 'What messages need of a corrective action.';

create table cohorts (
    cohort_id      uuid primary key,
    country        text not null,
    module         text not null,
    enterprises    integer not null,
    first_day      date not null,
    last_day       date not null
);
comment on table cohorts is 'What messages need of a cohort.';

create table cases (
    case_id     uuid primary key,
    country     text not null,
    state       text not null check (state in ('open', 'owned', 'closing', 'closed')),
    step        integer not null,
    answered    integer not null
);
comment on table cases is 'Only what decides whether an alert is still wanted: nothing of what a case is about exists here.';
comment on column cases.step is 'The last step that somebody was alerted in.';
comment on column cases.answered is 'The last step before the last acknowledgement: its alerts and earlier ones are answered.';

create table messages (
    message_id    uuid primary key,
    lane          text not null check (lane in ('general', 'zero_tolerance')),
    template      text not null,
    about         uuid not null,
    part          text not null,
    step          integer,
    country       text not null,
    recipient_id  uuid not null,
    channel       text check (channel in ('email', 'sms')),
    bundle        text,
    data          jsonb not null,
    state         text not null check (state in ('queued', 'sent', 'failed', 'cancelled')),
    code          text,
    queued_at     timestamptz not null,
    not_before    timestamptz not null,
    settled_at    timestamptz,
    provider      text,
    sent_with     uuid,
    attempts      integer not null default 0,
    retry_at      timestamptz,
    claimed_by    uuid,
    claimed_until timestamptz,
    constraint messages_once unique nulls not distinct (template, about, part, recipient_id, channel),
    check ((state = 'queued') = (settled_at is null)),
    check ((code is not null) = (state in ('failed', 'cancelled'))),
    check (state <> 'sent' or (channel is not null and provider is not null))
);
create index messages_due on messages (lane, not_before, message_id) where state = 'queued';
create index messages_of on messages (recipient_id, message_id desc);
create index messages_about on messages (about, message_id desc);
create index messages_country on messages (country, message_id desc) where lane = 'general';
create index messages_unreached on messages (message_id) where state = 'failed' and lane = 'zero_tolerance';
comment on table messages is 'The delivery log: who was told what, when, by which provider. Ids, dates and codes only.';
comment on column messages.part is 'What makes a repeat of the fact find the same message: offer, tier or step.';
comment on column messages.not_before is 'Business time: quiet hours and bundling hold a message, they never drop it.';
comment on column messages.retry_at is 'Machine time, as claimed_until: back-off and claims do not wait for a steered clock.';
comment on column messages.sent_with is 'The message in whose mail this one travelled, where several went as one.';
