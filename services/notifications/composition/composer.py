"""From a message and its reader to the bytes that leave: one wording for text, HTML and SMS, in the reader's language.

Composing the same message for the same person again gives the same mail, with the same Message-ID.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from services.notifications.channels.outbound import Outbound
from services.notifications.composition.calendar import Entry, calendar_text
from services.notifications.composition.catalogue import Catalogue
from services.notifications.composition.facts import Facts, Places
from services.notifications.composition.links import Links
from services.notifications.composition.mail import Letter, mail_bytes
from services.notifications.domain.message import Message
from services.notifications.domain.recipient import Recipient
from services.notifications.domain.templates import TEMPLATES
from services.notifications.domain.wording import one_line
from shared.web.pages import direction_of

HERE = Path(__file__).parent
_CONFIRMED = {"visit_confirmed", "visit_invitation"}
_ASKS = {"visit_offer", "visit_moved"}


@dataclass(frozen=True, slots=True)
class Section:
    """One message's part of a mail."""

    heading: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]


class Composer:
    """Knows the words and the sender; names come with the message's reader and places."""

    def __init__(self, catalogue: Catalogue, links: Links, *, sender: str, installation: str) -> None:
        self.catalogue = catalogue
        self._links = links
        self._sender = sender
        self._installation = installation
        # Values are escaped where the mail's HTML is made, not where sentences are: those also become plain text.
        self._words = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701
        self._sentences: dict[str, Template] = {}
        self._html = _forms(autoescape=True).get_template("mail.html")
        self._text = _forms(autoescape=False).get_template("mail.txt")

    def learn(self, lane: str) -> None:
        """Compile the sentences of a lane now, so that its first mail after a start is as quick as any other."""
        for language in self.catalogue.languages:
            for name, template in TEMPLATES.items():
                if template.lane == lane:
                    for sentence in self.catalogue.entry(language, name).values():
                        self._sentence(sentence)

    def mail(self, messages: Sequence[Message], reader: Recipient, address: str, places: Places) -> Outbound:
        """One mail for one message, or for several notices together."""
        first = messages[0]
        language = self.catalogue.language_for(reader.reads)
        common = self.catalogue.common(language)
        sections = [self._section(message, reader, places, language) for message in messages]
        subject = sections[0].heading
        if len(sections) > 1:
            subject = common["mail"]["several"].format(count=len(sections), first=subject)
        personal = first.template.lane == "general"
        surroundings = {
            "language": language,
            "direction": direction_of(language),
            "subject": subject,
            "greeting": common["mail"]["greeting"].format(name=one_line(reader.name)),
            "sections": sections,
            "several": len(sections) > 1,
            "footer": common["mail"]["footer" if personal else "footer_always"],
            "preferences": (common["links"]["preferences"], self._links.preferences) if personal else None,
        }
        letter = Letter(
            message_id=f"<{first.message_id}@{self._installation}.gemba>",
            sender=self._sender,
            recipient=address,
            recipient_name=one_line(reader.name),
            subject=one_line(subject),
            text=self._text.render(surroundings),
            html=self._html.render(surroundings),
            dated_at=_leaves_at(first),
            calendar=self._calendar(first, reader, address, places, language),
            method=first.template.calendar,
        )
        return Outbound(first.message_id, address, mail_bytes(letter))

    def sms(self, message: Message, reader: Recipient, address: str, places: Places) -> Outbound:
        """The same in one or two sentences, with what can be answered."""
        language = self.catalogue.language_for(reader.reads)
        labels = self.catalogue.common(language)["links"]
        facts = Facts(message, reader, places, self.catalogue.common(language))
        entry = self.catalogue.entry(language, message.template_name)
        said = self._render(entry["sms"], facts)
        links = [f"{labels[_label(link)]}: {self._links.address(link, message)}" for link in message.template.links]
        number = "".join(letter for letter in address if letter.isdigit() or letter == "+")
        return Outbound(message.message_id, number, "\n".join([one_line(said), *links]).encode())

    def _section(self, message: Message, reader: Recipient, places: Places, language: str) -> Section:
        common = self.catalogue.common(language)
        facts = Facts(message, reader, places, common)
        entry = self.catalogue.entry(language, message.template_name)
        paragraphs = self._render(entry["body"], facts).split("\n\n")
        return Section(
            heading=one_line(self._render(entry["subject"], facts)),
            paragraphs=tuple(text for one in paragraphs if (text := " ".join(one.split()))),
            facts=tuple(facts.line(name) for name in message.template.facts),
            links=tuple(
                (common["links"][_label(link)], self._links.address(link, message)) for link in message.template.links
            ),
        )

    def _render(self, source: str, facts: Facts) -> str:
        return self._sentence(source).render(facts.surroundings())

    def _sentence(self, source: str) -> Template:
        """Compiling a sentence takes longer than filling it in: each of the catalogue is compiled once."""
        sentence = self._sentences.get(source)
        if sentence is None:
            sentence = self._sentences[source] = self._words.from_string(source)
        return sentence

    def _calendar(self, message: Message, reader: Recipient, address: str, places: Places, language: str) -> str | None:
        method = message.template.calendar
        if method is None:
            return None
        facts = Facts(message, reader, places, self.catalogue.common(language))
        told = self.catalogue.entry(language, message.template_name)
        return calendar_text(
            Entry(
                method=method,
                uid=self.uid(message.about),
                sequence=message.data["sequence"],
                stamped_at=message.queued_at,
                starts_at=datetime.fromisoformat(message.data["starts_at"]),
                ends_at=datetime.fromisoformat(message.data["ends_at"]),
                summary=f"{facts.what()} · {facts.where()}",
                location=facts.where(),
                description=one_line(self._render(told["sms"], facts)),
                organizer=self._sender,
                attendee=address,
                attendee_name=one_line(reader.name),
                confirmed=message.template_name in _CONFIRMED,
                asks=message.template_name in _ASKS,
            )
        )

    def uid(self, visit_id: UUID) -> str:
        """The calendar's name of a visit, the same for everybody and for ever."""
        return f"{visit_id}@{self._installation}"


def _forms(*, autoescape: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE),
        undefined=StrictUndefined,
        autoescape=autoescape,  # noqa: S701 (off for the plain-text part)
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _label(link: str) -> str:
    return link.removeprefix("tap:")


def _leaves_at(message: Message) -> datetime:
    """The mail's date: when it was made or, held for quiet hours, released. The same at every attempt."""
    return max(message.queued_at, message.not_before)
