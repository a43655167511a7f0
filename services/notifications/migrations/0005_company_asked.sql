alter table bookings add column asked_ids uuid[] not null default '{}';
comment on column bookings.asked_ids is 'Of those who come along, who was asked and has not said yes: they hear of the confirmation when they do.';
