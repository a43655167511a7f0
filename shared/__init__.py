"""The platform kit: what every service needs and no service is about.

It holds no domain logic and imports no service. Each mechanism has one file; the
page that explains it with a drawing is `docs/architecture/<mechanism>.md`.
"""
