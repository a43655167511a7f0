-- Enterprises without which a classroom is held, with the reasons of each.

alter table plan_placements
    add column absences jsonb not null default '[]';
comment on column plan_placements.absences is 'Enterprises of the group that stay away from this classroom: [{enterprise_id, reasons}].';
