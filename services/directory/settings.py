"""What directory is told by its environment, beyond what every service is told."""

from urllib.parse import urlsplit

from pydantic import model_validator

from shared.settings import ServiceSettings

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Settings(ServiceSettings):
    """`mail_from` is the sender of sign-in mails; empty: `no-reply` at the origin's host."""

    service: str = "directory"
    mail_from: str = ""

    @model_validator(mode="after")
    def _refuse_sessions_in_the_clear(self) -> "Settings":
        """A session cookie crosses a network over TLS or not at all."""
        origin = urlsplit(self.origin)
        if origin.scheme != "https" and not (origin.scheme == "http" and origin.hostname in _LOOPBACK):
            raise ValueError(
                f"GEMBA_ORIGIN is {self.origin!r}; it must be https://…, or http:// on the loopback address."
            )
        return self

    @property
    def over_https(self) -> bool:
        """Whether browsers reach the installation over TLS."""
        return self.origin.startswith("https://")

    @property
    def sender(self) -> str:
        """Who sign-in mails come from."""
        host = urlsplit(self.origin).hostname or "localhost"
        domain = host if "." in host and not host.replace(".", "").isdigit() else "gemba.localhost"
        return self.mail_from or f"Gemba <no-reply@{domain}>"

    @property
    def has_inbox(self) -> bool:
        """Whether the dev inbox is served beside the services: never in production."""
        return self.profile in {"local", "demo", "test"}
