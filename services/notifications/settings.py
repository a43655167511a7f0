"""What a process of notifications is told by its environment."""

from urllib.parse import urlsplit

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Providers are lists in order of preference: `GEMBA_SMTP_URL=smtp://a:25,smtps://user:pass@b:465`."""

    service: str = "notifications"
    mail_from: str = ""
    """The sender's address, which is also the organizer of invitations; from the origin's host when empty."""
    general_senders: int = 4
    case_senders: int = 3
    case_pool_size: int = 5
    """Database connections that only zero-tolerance work may use."""

    @property
    def sender(self) -> str:
        """The bare address that mail comes from."""
        if self.mail_from:
            return self.mail_from
        host = urlsplit(self.origin).hostname or "localhost"
        return f"gemba@{host}" if any(letter.isalpha() for letter in host) else "gemba@localhost"

    @property
    def smtp_urls(self) -> tuple[str, ...]:
        """Mail providers, the preferred one first."""
        return _split(self.smtp_url)

    @property
    def sms_urls(self) -> tuple[str, ...]:
        """SMS providers, the preferred one first."""
        return _split(self.sms_url)


def _split(urls: str) -> tuple[str, ...]:
    return tuple(url for part in urls.split(",") if (url := part.strip()))
