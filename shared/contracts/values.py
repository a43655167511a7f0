"""Values that several contracts share."""

from enum import StrEnum


class VisitKind(StrEnum):
    """What a visit is for. Lists show a verification as any other visit."""

    BASELINE = "baseline"
    CLASSROOM = "classroom"
    CONSULTANCY = "consultancy"
    FOLLOW_UP = "follow_up"
    VERIFICATION = "verification"


class Role(StrEnum):
    """What somebody may do; a role counts in the countries of its holder's groups."""

    COORDINATOR = "coordinator"
    TRAINER = "trainer"
    OFFICER = "officer"
    DEPUTY = "deputy"
    HEAD = "head"
    ENTERPRISE = "enterprise"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"


class Grade(StrEnum):
    """How serious an ordinary finding is (the classes of SMETA without 'critical', which is a case here)."""

    OBSERVATION = "observation"
    MINOR = "minor"
    MAJOR = "major"
