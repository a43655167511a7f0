"""The dev inbox: catches mail with its calendar entry and text messages, and shows them."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from subprocess import Popen

import httpx
import pytest

from deploy.local import process
from deploy.local.program import http_problem, inherited_environment, python_command

INVITATION = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Gemba//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:visit-1@gemba
SEQUENCE:1
DTSTAMP:20270301T080000Z
DTSTART:20270304T070000Z
DTEND:20270304T110000Z
SUMMARY:Baseline visit at Lotus Garments
LOCATION:Da Nang
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


class Inbox:
    """A running inbox; ``restart`` kills it and starts it again on the same file."""

    def __init__(self, folder: Path, key: str = "") -> None:
        self.smtp_port = process.free_port()
        self.http_port = process.free_port({self.smtp_port})
        self.url = f"http://127.0.0.1:{self.http_port}"
        self._log = folder / "inbox.log"
        self._environment = {
            **inherited_environment(),
            "GEMBA_INBOX_SMTP_PORT": str(self.smtp_port),
            "GEMBA_INBOX_HTTP_PORT": str(self.http_port),
            "GEMBA_INBOX_FILE": str(folder / "inbox" / "messages.jsonl"),
            "GEMBA_INBOX_KEY": key,
        }
        self._child: Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._child = Popen(python_command("deploy.local.inbox"), env=self._environment, stdout=log, stderr=log)
        process.wait_until(lambda: http_problem(f"{self.url}/readyz"), what="the inbox", seconds=20)

    def kill(self) -> None:
        assert self._child is not None
        self._child.kill()
        self._child.wait()

    def messages(self, **query: str) -> list[dict[str, object]]:
        answer = httpx.get(f"{self.url}/inbox/api/messages", params=query)
        answer.raise_for_status()
        return list(answer.json()["messages"])

    def deliver(self, mail: EmailMessage) -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port) as smtp:
            smtp.send_message(mail)


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    made = Inbox(tmp_path)
    made.start()
    yield made
    made.kill()


def mail_to(address: str, subject: str = "An offer") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "gemba@example.org", address, subject
    mail["Message-ID"] = "<1@gemba>"
    mail.set_content("Take it: http://localhost:8300/visits/tap/abc.\nThank you.")
    mail.add_alternative('<a href="http://localhost:8300/visits/tap/abc">Take it</a>', "html")
    mail.add_alternative(INVITATION.encode(), "text", "calendar", params={"method": "REQUEST"})
    return mail


def test_mail_with_its_calendar_entry_is_caught(inbox: Inbox) -> None:
    inbox.deliver(mail_to("trainer@example.org"))

    (found,) = inbox.messages(to="Trainer@example.org")

    assert found["subject"] == "An offer"
    assert found["links"] == ["http://localhost:8300/visits/tap/abc"]
    calendar = found["calendar"]
    assert isinstance(calendar, dict)
    assert calendar["method"] == "REQUEST"
    assert calendar["uid"] == "visit-1@gemba"
    assert calendar["sequence"] == 1
    assert calendar["dtstart"] == "2027-03-04T07:00:00+00:00"
    page = httpx.get(f"{inbox.url}/inbox/messages/{found['id']}").text
    assert "Baseline visit at Lotus Garments" in page
    for forbidden in ("<script", "style="):
        assert forbidden not in page, "it must work under the strict CSP"


def test_one_sees_only_what_is_newer_and_ones_own(inbox: Inbox) -> None:
    inbox.deliver(mail_to("one@example.org", "first"))
    inbox.deliver(mail_to("two@example.org", "second"))
    inbox.deliver(mail_to("one@example.org", "third"))
    first = inbox.messages(to="one@example.org")[0]
    later = inbox.messages(to="one@example.org", since=str(first["id"]))
    assert [each["subject"] for each in later] == ["third"]


def test_text_message_with_the_same_id_is_one(inbox: Inbox) -> None:
    sms = {"to": "+84901234567", "text": "Answer http://localhost:8300/visits/tap/x", "id": "m-1"}
    assert httpx.post(f"{inbox.url}/inbox/sms", json=sms).status_code == 201
    assert httpx.post(f"{inbox.url}/inbox/sms", json=sms).status_code == 200
    (found,) = inbox.messages(kind="sms")
    assert found["attempts"] == 2
    assert found["links"] == ["http://localhost:8300/visits/tap/x"]


def test_recipients_that_refuse_on_purpose(inbox: Inbox) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        inbox.deliver(mail_to("bounce@example.org"))
    assert refused.value.recipients["bounce@example.org"][0] == 550
    answer = httpx.post(f"{inbox.url}/inbox/sms", json={"to": "+84900000000", "text": "x"})
    assert answer.status_code == 422


def test_messages_survive_kill_9(inbox: Inbox) -> None:
    inbox.deliver(mail_to("trainer@example.org"))
    inbox.kill()
    inbox.start()
    assert [each["subject"] for each in inbox.messages()] == ["An offer"]


def test_in_real_use_it_opens_with_its_key_only(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, key="the-key")
    inbox.start()
    try:
        assert httpx.get(f"{inbox.url}/inbox/").status_code == 401
        assert httpx.get(f"{inbox.url}/inbox/api/messages").status_code == 401
        with httpx.Client(base_url=inbox.url, follow_redirects=True) as client:
            assert client.get("/inbox/open?key=the-key").status_code == 200
            assert client.get("/inbox/open?key=another").status_code == 401
    finally:
        inbox.kill()
