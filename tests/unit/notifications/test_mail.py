"""A mail as bytes is read by others as it was meant: names, subjects, bodies, and nothing that somebody wrote into them."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from services.notifications.composition.mail import Letter, mail_bytes

LETTER = Letter(
    message_id="<0190a000-0000-7000-8000-00000000f001@gemba.example>",
    sender="gemba@gemba.example",
    recipient="rina@example.org",
    recipient_name="Rina Akter",
    subject="A case needs you",
    text="Hello,\n\n.\n. a dot\nFrom here on: xin chào = ça va  \n" + "ư" * 90 + "\n",
    html='<p lang="vi">chào</p>\n',
    dated_at=datetime(2026, 3, 10, 4, 0, tzinfo=UTC),
    calendar="BEGIN:VCALENDAR\r\nSUMMARY:chào\r\nEND:VCALENDAR\r\n",
    method="REQUEST",
)
NAMES = (
    "Rina Akter",
    "",
    "Nguyễn Thị Minh Khai",
    "مريم الزهراء",
    'O\'Neil, "Bob" (buyer) <x@y>; a\\b',
    "=?utf-8?q?Somebody_else?=",
    " ".join(["word"] * 20),
    "😀 smile",
)


def read(letter: Letter) -> EmailMessage:
    content = mail_bytes(letter)
    lines = content.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines), "only whole line ends"
    assert all(line.isascii() and len(line) <= 78 for line in lines)
    found = message_from_bytes(content, policy=SMTP)
    assert isinstance(found, EmailMessage)
    assert not any(part.defects for part in found.walk())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_name_and_a_subject_are_read_as_they_were_written(name: str) -> None:
    mail = read(replace(LETTER, recipient_name=name, subject=name))
    assert mail["To"].addresses == (Address(name, "rina", "example.org"),)
    assert mail["Subject"] == name
    assert not mail["To"].defects
    assert not mail["Subject"].defects


def test_a_long_word_is_folded_without_an_empty_first_line() -> None:
    """Readers show a leading space where the first line of a header is empty."""
    mail = read(replace(LETTER, subject="a" * 200))
    assert mail["Subject"] == "a" * 200
    assert b"Subject: \r\n" not in mail_bytes(replace(LETTER, subject="a" * 200))


def test_the_parts_are_read_as_they_were_written_and_the_calendar_entry_is_the_last() -> None:
    mail = read(LETTER)
    text, html, entry = (part for part in mail.walk() if not part.is_multipart())
    assert [part.get_content_type() for part in (text, html, entry)] == ["text/plain", "text/html", "text/calendar"]
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().replace("\r\n", "\n") == LETTER.html
    assert entry["Content-Type"].params["method"] == "REQUEST"
    assert entry.get_payload(decode=True) == str(LETTER.calendar).encode()
    assert mail["Date"].datetime == LETTER.dated_at
    assert mail["Message-ID"] == LETTER.message_id


@pytest.mark.parametrize("wrong", ["line\r\nBcc: all@example.org", "a\nb", "bell\x07"])
def test_a_header_that_would_write_another_one_is_refused(wrong: str) -> None:
    for field in ("recipient_name", "subject"):
        with pytest.raises(ValueError, match="line break"):
            mail_bytes(replace(LETTER, **{field: wrong}))


@pytest.mark.parametrize(
    "address", ["nobody", "@example.org", "a@", "a b@example.org", "a@b\r\nBcc: c@d", "rína@example.org"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="e-mail address"):
        mail_bytes(replace(LETTER, recipient=address))


def test_an_address_that_needs_quotes_has_them() -> None:
    mail = read(replace(LETTER, recipient="a,b@example.org"))
    assert mail["To"].addresses[0].username == "a,b"
