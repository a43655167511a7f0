"""Directory: who is there, where they are reached, and who is asking.

Owns people, their roles, countries, contact points, languages and zones; enterprises and their
sites with working week and closed days; sign-in and sessions. Nobody else keeps a session.

Topics out: `gemba.person`, `gemba.enterprise` (state; the relay reads the newest when it publishes).
Topics in: none.
Tables: people, contact_points, enterprises, closed_days, imports, sign_in_requests, sign_in_links, sessions.
"""
