"""The words of the sign-in mail, in the reader's language as far as there are words."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Final
from uuid import UUID

from services.directory.domain.people import Person
from services.directory.settings import Settings


@dataclass(frozen=True, slots=True)
class _Words:
    subject: str
    greeting: str
    press: str
    limits: str
    not_you: str


_WORDS: Final = {
    "en": _Words(
        "Your link to sign in to Gemba",
        "Hello {name},",
        "open this link and press the button to sign in:",
        "The link is good for 15 minutes and for one use.",
        "If you did not ask for it, you need do nothing: without the link nobody gets in.",
    ),
    "es": _Words(
        "Su enlace para entrar en Gemba",
        "Hola, {name}:",
        "abra este enlace y pulse el botón para entrar:",
        "El enlace vale 15 minutos y para una sola vez.",
        "Si no lo ha pedido, no tiene que hacer nada: sin el enlace no entra nadie.",
    ),
    "vi": _Words(
        "Liên kết đăng nhập Gemba của bạn",
        "Xin chào {name},",
        "hãy mở liên kết này và bấm nút để đăng nhập:",
        "Liên kết có hiệu lực trong 15 phút và chỉ dùng được một lần.",
        "Nếu bạn không yêu cầu, bạn không cần làm gì: không có liên kết thì không ai vào được.",
    ),
}


def write_mail(person: Person, token: str, request_id: UUID, settings: Settings, *, now: datetime) -> EmailMessage:
    """One mail with one link. Tried again, it has the same Message-ID: of two copies a reader sees one."""
    words = _WORDS.get(person.language.split("-")[0], _WORDS["en"])
    mail = EmailMessage()
    mail["From"] = settings.sender
    mail["To"] = person.email or ""
    mail["Subject"] = words.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<sign-in.{request_id}@{parseaddr(settings.sender)[1].split('@')[-1]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["Content-Language"] = person.language if words is not _WORDS["en"] else "en"
    link = f"{settings.origin.rstrip('/')}/directory/enter?token={token}"
    mail.set_content(
        f"{words.greeting.format(name=person.name)}\n\n{words.press}\n\n{link}\n\n{words.limits}\n{words.not_you}\n"
    )
    return mail
