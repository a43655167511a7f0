-- How many trainers a stage takes: data of the delivery plan.

alter table stages
    add column crew integer not null default 1;
alter table stages add constraint stages_crew_check check (crew between 1 and 2) not valid;
alter table stages validate constraint stages_crew_check;
comment on column stages.crew is 'Trainers who go: one, or an expert with somebody who is at least a candidate.';
