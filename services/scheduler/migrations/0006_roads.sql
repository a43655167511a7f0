-- A country's roads as a table, where somebody has one; without it they are estimated.

create table roads (
    country    text primary key,
    places     integer not null,
    document   jsonb not null,
    changed_at timestamptz not null,
    changed_by uuid
);
comment on table roads is 'Minutes and kilometres between the places of a country; what is not in it is estimated.';
comment on column roads.document is 'gemba-planner-travel/1, in which no way by a third place is shorter than the direct one.';
