"""Identifiers: UUIDv7 (RFC 9562 §5.7), made by whoever creates the thing; one thing has one id everywhere."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A fresh id, in creation order for one process, so that indexes on it grow at their end."""
    return uuid_utils.compat.uuid7()
