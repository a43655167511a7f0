"""Every message says what it should, in every language, and nothing that somebody else wrote into a name."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from icalendar import Calendar
from jinja2 import Environment

from services.notifications.composition.catalogue import Catalogue
from services.notifications.composition.composer import Composer
from services.notifications.domain.recipient import Preferences, Recipient
from services.notifications.domain.templates import TEMPLATES, ZERO_TOLERANCE
from shared.taps import TapVerifier
from tests.unit.notifications.samples import (
    MILL,
    ORIGIN,
    PLACES,
    RINA,
    SENDER,
    STARTS,
    VISIT,
    make_composer,
    message,
    person,
)

LANGUAGES = ("en", "es", "vi")
INVITING = [name for name, template in TEMPLATES.items() if template.calendar]


@pytest.fixture
def composer(tmp_path: Path) -> Composer:
    return make_composer(tmp_path)


def mail(composer: Composer, template: str, reader: Recipient | None = None, **data: object) -> EmailMessage:
    reader = reader or person()
    out = composer.mail([message(template, **data)], reader, "rina@example.org", PLACES)
    return parsed(out.content)


def parsed(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=SMTP)
    assert isinstance(found, EmailMessage)
    return found


def part(mail: EmailMessage, kind: str) -> str:
    found = next(one for one in mail.walk() if one.get_content_type() == kind)
    content: str = found.get_content()
    return content


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_words_for_every_message(language: str) -> None:
    catalogue = Catalogue()
    for name in TEMPLATES:
        assert set(catalogue._templates[language][name]) == {"subject", "body", "sms"}, f"{language}: {name}"
    assert set(catalogue._templates[language]) == set(TEMPLATES), "and for nothing else"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_same_labels_as_english(language: str) -> None:
    catalogue = Catalogue()
    for section, words in catalogue.common("en").items():
        theirs = catalogue.common(language)[section]
        assert len(theirs) == len(words), f"{language}: {section}"
        if isinstance(words, dict):
            assert set(theirs) == set(words), f"{language}: {section}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_every_message_can_be_written_in_every_language_and_form(
    template: str, language: str, composer: Composer
) -> None:
    reader = person(language=language)
    written = mail(composer, template, reader)
    assert written["Subject"]
    assert not re.search(r"\{\{|\{%|\bNone\b|undefined", written.as_string())
    assert "{" not in part(written, "text/plain")
    assert part(written, "text/plain").strip()
    assert f'lang="{language}"' in part(written, "text/html")
    for label in TEMPLATES[template].facts:
        assert Catalogue().common(language)["labels"][label] in part(written, "text/plain")
    text = composer.sms(message(template, channel="sms"), reader, "+880 1711-000001", PLACES)
    assert text.address == "+8801711000001"
    assert 10 < len(text.content.decode()) < 2000


@pytest.mark.parametrize(
    ("tag", "written_in"), [("es-PE", "es"), ("vi", "vi"), ("bn", "en"), ("en_GB", "en"), ("", "en"), ("xx-YY", "en")]
)
def test_a_language_without_words_falls_back_to_english(tag: str, written_in: str, composer: Composer) -> None:
    assert f'lang="{written_in}"' in part(mail(composer, "visit_offer", person(language=tag)), "text/html")


def test_a_chosen_language_beats_the_one_of_the_directory(composer: Composer) -> None:
    reader = person(language="vi", preferences=Preferences(language="es"))
    assert part(mail(composer, "visit_offer", reader), "text/plain").startswith("Hola, Rina Akter:")


def test_times_are_those_of_the_site_and_deadlines_those_of_the_reader(composer: Composer) -> None:
    told = part(mail(composer, "visit_offer", person(zone="America/Lima")), "text/plain")
    assert "When: Tuesday 31 March 2026, 09:00–12:00 (Dhaka time)" in told
    assert "Please answer by: Friday 20 March 2026, 07:00 (Lima time)" in told
    assert "Where: Rahman Textiles (Gazipur)" in told


def test_the_same_message_is_the_same_mail_at_every_attempt(composer: Composer) -> None:
    first, again = (composer.mail([message("visit_offer")], person(), "r@example.org", PLACES) for _ in range(2))
    assert first == again
    assert parsed(first.content)["Message-ID"] == "<0190a000-0000-7000-8000-00000000f001@gemba.gemba>"


def test_a_name_cannot_write_a_header_or_markup(composer: Composer) -> None:
    evil = "Rina\r\nBcc: everybody@example.org\r\n\r\n<script>alert(1)</script>"
    places = {MILL: ("<img src=x onerror=alert(1)>\nX-Evil: 1", "Gaz\x00ipur")}
    out = composer.mail([message("visit_offer")], person(name=evil), "rina@example.org", places)
    written = parsed(out.content)
    assert written["Bcc"] is None
    assert written["X-Evil"] is None
    assert len(written.get_all("To") or []) == 1
    html = part(written, "text/html")
    assert "<script>" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    calendar = Calendar.from_ical(part(written, "text/calendar"))
    assert [name for name, _ in calendar.walk("VEVENT")[0].property_items() if name.startswith("X-")] == []


@pytest.mark.parametrize(
    "address", ["r@example.org\r\nRCPT TO:<x@y.z>", "no-at-sign", "two words@example.org", "", "@", "a@b\n"]
)
def test_what_is_no_address_gets_no_mail(address: str, composer: Composer) -> None:
    with pytest.raises(ValueError):
        composer.mail([message("visit_offer")], person(), address, PLACES)


@pytest.mark.parametrize("template", INVITING)
def test_the_calendar_entry_is_last_and_says_what_the_message_says(template: str, composer: Composer) -> None:
    written = mail(composer, template)
    parts = [one for one in written.walk() if not one.is_multipart()]
    assert written.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in parts] == ["text/plain", "text/html", "text/calendar"]
    method = TEMPLATES[template].calendar
    assert parts[-1].get_param("method") == method
    calendar = Calendar.from_ical(parts[-1].get_content())
    event = calendar.walk("VEVENT")[0]
    assert str(calendar["METHOD"]) == method
    assert str(event["UID"]) == f"{VISIT}@gemba"
    assert int(event["SEQUENCE"]) == 4
    assert event["DTSTART"].dt == STARTS
    assert b"DTSTART:20260331T030000Z" in calendar.to_ical()
    assert str(event["ORGANIZER"]) == f"mailto:{SENDER}" == f"mailto:{written['From'].addresses[0].addr_spec}"
    assert str(event["ATTENDEE"]) == "mailto:rina@example.org"
    assert (str(event["STATUS"]) == "CANCELLED") == (method == "CANCEL")
    assert "/visits/tap" not in calendar.to_ical().decode().replace("\r\n ", ""), "calendars are shared"


def test_only_a_question_asks_for_an_answer(composer: Composer) -> None:
    def attendee(template: str) -> dict[str, str]:
        event = Calendar.from_ical(part(mail(composer, template), "text/calendar")).walk("VEVENT")[0]
        return {name: str(value) for name, value in event["ATTENDEE"].params.items()}

    assert attendee("visit_offer")["RSVP"] == "TRUE"
    assert attendee("visit_confirmed") | {"CN": ""} == {
        "CN": "",
        "ROLE": "REQ-PARTICIPANT",
        "PARTSTAT": "ACCEPTED",
        "RSVP": "FALSE",
    }


@pytest.mark.parametrize(
    ("template", "actions"),
    [
        ("visit_offer", {"accept", "decline"}),
        ("report_request", {"report_done"}),
        ("case_alert", {"acknowledge"}),
    ],
)
def test_a_one_tap_link_is_good_for_its_reader_and_its_answer_only(
    template: str, actions: set[str], composer: Composer, tmp_path: Path
) -> None:
    verifier = TapVerifier(tmp_path / "taps.pub.pem")
    links = re.findall(rf"{ORIGIN}/visits/tap\?t=(\S+)", part(mail(composer, template), "text/plain"))
    taps = [verifier.verify(token, "visits", STARTS.replace(month=3, day=15)) for token in links]
    assert {tap.action for tap in taps} == actions
    assert {(tap.subject, tap.person_id) for tap in taps} == {(str(VISIT), str(RINA))}
    number = "step" if template.startswith("case") else "offer"
    assert all(tap.extra == {number: "2"} for tap in taps)


def test_several_notices_are_one_mail_under_the_first_ones_id(composer: Composer) -> None:
    notices = [message("notice_missed"), message("notice_unplaceable"), message("notice_planned")]
    written = parsed(composer.mail(notices, person(), "rina@example.org", PLACES).content)
    assert written["Subject"].startswith("3 notices: Visit missed")
    told = part(written, "text/plain")
    for heading in ("* Visit missed", "* No trainer found", "* Plan ready: WC"):
        assert heading in told


def test_a_case_message_says_nothing_of_the_case(composer: Composer) -> None:
    for name in [name for name, template in TEMPLATES.items() if template.lane == ZERO_TOLERANCE]:
        written = mail(composer, name, outcome="cancelled")
        for kind in ("text/plain", "text/html"):
            said = part(written, kind)
            assert "Rahman" not in said
            assert "Gazipur" not in said
            assert "child" not in said
        text = composer.sms(message(name, channel="sms"), person(), "+1", PLACES).content.decode()
        assert "Rahman" not in text


def test_nothing_in_a_mail_is_fetched_from_anywhere(composer: Composer) -> None:
    for name in TEMPLATES:
        html = part(mail(composer, name), "text/html")
        assert not re.search(r"<(img|link|script|iframe|style)|url\(|src=", html)
        assert all(address.startswith(ORIGIN) for address in re.findall(r'href="([^"]*)"', html))


def test_an_erased_site_still_makes_a_sentence(composer: Composer) -> None:
    out = composer.mail([message("offer_withdrawn")], person(), "rina@example.org", {})
    assert "a site" in part(parsed(out.content), "text/plain")


@pytest.mark.parametrize("length", range(20, 120, 3))
def test_a_subject_of_any_length_begins_with_its_first_letter(length: int, composer: Composer) -> None:
    places = {MILL: (("Mill " * 40)[:length], "")}
    out = composer.mail([message("visit_offer")], person(), "r@example.org", places)
    assert str(parsed(out.content)["Subject"]).startswith("Can you do this visit? Mill")
    assert max(map(len, out.content.split(b"\r\n"))) < 998


def test_the_first_alert_after_a_start_waits_for_no_compiler(
    composer: Composer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = [name for name, template in TEMPLATES.items() if template.lane == ZERO_TOLERANCE]
    composer.learn(ZERO_TOLERANCE)
    monkeypatch.setattr(Environment, "compile", None)
    for language in composer.catalogue.languages:
        for name in alerts:
            assert mail(composer, name, person(language=language))["Subject"]
