"""Other people's text, made fit to stand in a subject, a header or a line."""

import unicodedata
from uuid import UUID

_LONGEST = 200


def one_line(text: str) -> str:
    """The text without line breaks or control and direction-override characters: a name must not write a header."""
    visible = "".join(
        " "
        if unicodedata.category(letter) in {"Cc", "Zl", "Zp"}
        or letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        else letter
        for letter in text
    )
    return " ".join(visible.split())[:_LONGEST]


def short_reference(case_id: UUID) -> str:
    """What people call a case by on the telephone: the end of its id (the beginning is its time)."""
    return case_id.hex[-6:].upper()
