"""Notifications tells people: it chooses the channel and the time, never the recipients of a case.

Owns: messages (the delivery log), templates, preferences, calendar invitations and reminders.
In: `gemba.person`, `gemba.enterprise` (copies), `gemba.cohort`, `gemba.booking`, `gemba.visit`, `gemba.action`
by the group `notifications.general`; `gemba.case` by `notifications.case`, a lane of its own down to the mail.
Out: `gemba.message` (a message about a case leaves in the zero-tolerance lane for its whole life).
Tables: `messages`, `preferences`; copies: `people`, `enterprises`, `visits`, `actions`, `cohorts`, `cases`.
"""
