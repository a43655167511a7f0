-- Zero tolerance. Case text stands in case_texts.sealed and nowhere else, sealed with the key of its case.

create table cases (
    case_id                uuid primary key,
    finding_id             uuid unique,
    visit_id               uuid,
    report_id              uuid,
    enterprise_id          uuid,
    country                text not null,
    item                   integer not null check (item between 1 and 9),
    pack                   text not null,
    pack_version           integer not null,
    longest_step           interval not null,
    raised_by              uuid not null,
    opened_at              timestamptz not null,
    standing               text not null check (standing in
                           ('alerting', 'unowned', 'owned', 'asked', 'closing', 'closed')),
    stage                  text not null check (stage in ('suspected', 'confirmed')),
    tier                   integer not null,
    step                   integer not null,
    owner_id               uuid,
    due_at                 timestamptz,
    verification           text not null check (verification in ('none', 'wanted', 'planned', 'done')),
    verification_visit_id  uuid,
    proposed_outcome       text check (proposed_outcome in ('resolved', 'cancelled')),
    proposed_by            uuid,
    outcome                text check (outcome in ('resolved', 'cancelled')),
    approved_by            uuid,
    closed_at              timestamptz,
    standby_ids            uuid[] not null default '{}',
    minimal_generation     bigint,
    wrapped_key            bytea not null,
    check ((standing = 'closed') = (due_at is null)),
    check ((standing = 'closed') = (outcome is not null)),
    check ((standing = 'closed') = (closed_at is not null)),
    check (approved_by is null or (approved_by <> proposed_by and approved_by <> raised_by)),
    check (standing not in ('owned', 'asked') or owner_id is not null),
    check (standing <> 'closing' or (proposed_by is not null and proposed_outcome is not null))
);
create index cases_country on cases (country, opened_at);
create index cases_open on cases (standing) where standing <> 'closed';
create index cases_owner on cases (owner_id) where standing <> 'closed';
create index cases_verification on cases (verification_visit_id) where verification_visit_id is not null;
comment on column cases.standby_ids is 'Told when deciding itself fails, so that telling them needs no decision.';

create table case_texts (
    text_id     uuid primary key,
    case_id     uuid not null references cases,
    kind        text not null check (kind in ('suspicion', 'note', 'confirmation', 'proposal', 'approval', 'return')),
    author_id   uuid not null,
    written_at  timestamptz not null,
    sealed      bytea not null
);
create index case_texts_case on case_texts (case_id, written_at);
comment on column case_texts.sealed is 'The one place of case text: AES-256-GCM under the key of its case, bound to this row and column.';

create table case_named (
    case_id    uuid not null references cases,
    person_id  uuid not null,
    named_by   uuid not null,
    named_at   timestamptz not null,
    primary key (case_id, person_id)
);

create table case_exclusions (
    case_id    uuid not null references cases,
    person_id  uuid not null,
    because    text not null check (because in ('named', 'line_above', 'line_below')),
    since      timestamptz not null,
    primary key (case_id, person_id)
);
create index case_exclusions_person on case_exclusions (person_id);
comment on table case_exclusions is 'Only ever grows: leaving the line does not open a case to anybody.';

create table case_alerts (
    case_id     uuid not null references cases,
    step        integer not null,
    person_id   uuid not null,
    kind        text not null,
    tier        integer not null,
    alerted_at  timestamptz not null,
    primary key (case_id, step, person_id)
);
create index case_alerts_person on case_alerts (person_id);

create table case_messages (
    message_id  uuid primary key,
    case_id     uuid not null references cases,
    step        integer not null,
    person_id   uuid not null,
    channel     text,
    state       text not null check (state in ('queued', 'sent', 'failed')),
    code        text,
    changed_at  timestamptz not null
);
create index case_messages_step on case_messages (case_id, step);
comment on table case_messages is 'What notifications says became of each alert.';

create table case_audit (
    seq          bigint generated always as identity primary key,
    case_id      uuid not null references cases,
    at           timestamptz not null,
    received_at  timestamptz not null,
    actor_id     uuid,
    act          text not null,
    detail       jsonb not null default '{}'
);
create index case_audit_case on case_audit (case_id, seq);
comment on table case_audit is
    'Who did or saw what, when; the order of seq is the order of commits on one case. A null actor is the clock. Codes and ids only.';

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger case_audit_append_only before update or delete on case_audit
    for each row execute function refuse_change();
create trigger case_audit_not_truncated before truncate on case_audit
    for each statement execute function refuse_change();
create trigger case_exclusions_only_grow before update or delete on case_exclusions
    for each row execute function refuse_change();

-- Invariant: an open case has an armed timer, due no later than the longest step of its pack. Checked at commit,
-- from both sides, with the case's row locked: of two transactions that each leave one half, the second waits and sees.
create function open_case_is_armed() returns trigger language plpgsql as $$
declare
    the_case uuid;
    found_case record;
begin
    if tg_table_name = 'cases' then the_case := new.case_id; else the_case := old.aggregate; end if;
    select standing, longest_step into found_case from cases where case_id = the_case for update;
    if not found or found_case.standing = 'closed' then
        return null;
    end if;
    if not exists (
        select from timers
        where kind = 'case.step' and aggregate = the_case and due_at <= armed_at + found_case.longest_step
    ) then
        raise exception 'open case % would have no armed timer within its longest step', the_case
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
create constraint trigger cases_are_armed after insert or update on cases
    deferrable initially deferred for each row execute function open_case_is_armed();
create constraint trigger timers_of_cases_stay after update of kind, aggregate, due_at, armed_at or delete on timers
    deferrable initially deferred for each row
    when (old.kind = 'case.step') execute function open_case_is_armed();
