-- Whoever goes along with the trainer is asked as well: once for each person and start.

create table company_offers (
    visit_id     uuid not null references visits,
    trainer_id   uuid not null,
    starts_at    timestamptz not null,
    offer        integer not null,
    offered_at   timestamptz not null,
    respond_by   timestamptz not null,
    answer       text check (answer in ('accepted', 'declined', 'lapsed', 'withdrawn')),
    answered_at  timestamptz check ((answered_at is null) = (answer is null)),
    reason       text,
    via          text,
    primary key (visit_id, trainer_id, starts_at)
);
comment on table company_offers is 'Everybody who was asked to go along, and what became of it. Who said yes to a start is not asked again because the trainer changed.';
comment on column company_offers.offer is 'Of the visit, when they were asked: what the links of their message name.';
