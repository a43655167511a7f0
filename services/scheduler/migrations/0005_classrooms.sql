-- How few and how many enterprises a classroom has: data of the delivery plan.

alter table stages
    add column quorum   integer not null default 1,
    add column capacity integer;
alter table stages add constraint stages_quorum_check check (quorum between 1 and 30) not valid;
alter table stages validate constraint stages_quorum_check;
alter table stages add constraint stages_capacity_check check (capacity between quorum and 30) not valid;
alter table stages validate constraint stages_capacity_check;
comment on column stages.quorum is 'Fewest enterprises with which a classroom is held.';
comment on column stages.capacity is 'Most enterprises in one classroom; null: as many as a cohort has.';
