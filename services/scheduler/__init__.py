"""The scheduler: it alone sets or moves a date.

Owns the module catalogue and versioned delivery plans (`modules`, `delivery_plans`, `stages`), what trainers may and
can do (`trainers`, `certificates`, `leave`, `holidays`), `cohorts`, `plans`, `visits` as far as their dates go, and the
`timetable`, on which nobody stands twice. `people` and `enterprises` are copies.

Hears: `gemba.person`, `gemba.enterprise` (states) · `gemba.visit` (answers and reports) · `gemba.action` and
`gemba.case` (visits that are wanted) · `gemba.command` (RequestCohort).
Says: `gemba.cohort` (created, refused, planned, published, cancelled, completed) · `gemba.booking` (scheduled, moved,
reassigned, withdrawn, unplaceable).

How a date comes about: a wish becomes a row of `planning_jobs`; `planning_queue` claims it, reads the country's *world*
with its version, lets the planner compute in a process of its own, and stores the result only if the world is still of
that version. So no transaction is open while the planner thinks, and no plan is stored that the present contradicts.

Locks are taken in this order: world (country), cohort, visit.

It has no deadlines of its own: offers and missed visits are timed by visits, leases of jobs are machine time.
"""
