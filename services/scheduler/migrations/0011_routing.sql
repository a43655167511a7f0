-- Countries whose roads a routing service is asked for; what it answers becomes the country's table.

create table routing (
    country    text primary key,
    wanted_at  timestamptz not null,
    wanted_by  uuid,
    asked_at   timestamptz,
    trouble    text
);
comment on table routing is 'A country is here as long as its table of roads comes from the routing service.';
comment on column routing.asked_at is 'When its answers were last kept as the table; null: never yet.';
comment on column routing.trouble is 'Why the last question came to nothing; the table of before stays.';

alter table planning_jobs drop constraint planning_jobs_kind_check, drop constraint planning_jobs_check;
alter table planning_jobs
    add constraint planning_jobs_kind_check check (kind in ('cohort', 'reassign', 'place', 'roads')) not valid,
    add constraint planning_jobs_check check ((kind in ('cohort', 'roads')) = (visit_id is null)) not valid;
alter table planning_jobs validate constraint planning_jobs_kind_check;
alter table planning_jobs validate constraint planning_jobs_check;
