alter table case_messages drop constraint case_messages_state_check;
alter table case_messages add constraint case_messages_state_check
    check (state in ('queued', 'sent', 'failed', 'cancelled')) not valid;
alter table case_messages validate constraint case_messages_state_check;
