-- Added without a look at every row, and looked at afterwards: the table stays open meanwhile.
alter table visits drop constraint visits_state_check;
alter table visits add constraint visits_state_check check (state in
    ('offered', 'confirmed', 'declined', 'lapsed', 'missed', 'reported', 'cancelled', 'unplaced')) not valid;
alter table visits validate constraint visits_state_check;
