"""Visits after publication, and zero tolerance.

Owns: offers and answers, reports, findings, corrective actions, zero-tolerance cases with their packs, tiers,
exclusions, recipients, sealed text and audit.

| topic | |
|---|---|
| gemba.visit, gemba.finding, gemba.action, gemba.case | written |
| gemba.person, gemba.enterprise, gemba.cohort, gemba.booking | read by `visits.general` |
| gemba.message | read by `visits.message`: what became of an alert, answers by SMS or calendar |

Tables: people, enterprises (copies) · visits, visit_offers, reports, findings · actions, evidence, action_events ·
cases, case_texts (the one sealed column), case_named, case_exclusions, case_alerts, case_messages, case_audit.

Invariants: an open case always has an armed timer (checked by the database at commit). Case text stands in
`case_texts.sealed` alone. Excluded persons meet a case nowhere. One sighting is one case.
"""
