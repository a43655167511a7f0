"""The kinds of deadlines that notifications keeps, all of visits."""

REMIND = "reminder.visit"
"""Five in the afternoon of the day before, at the site."""

REPORT = "report.request"
"""The end of the visit."""
