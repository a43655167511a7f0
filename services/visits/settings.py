"""What visits is told by its environment, and the names of its key files."""

from typing import Final

from shared.settings import ServiceSettings

TAP_KEY_FILE: Final = "taps.pub.pem"
"""The public key of notifications, in `keys_dir`: what one-tap links are verified with."""

CASE_KEY_FILE: Final = "case-kek.bin"
"""32 random bytes in `keys_dir`, mode 0600, read by visits alone: what the keys of cases are wrapped with."""


class Settings(ServiceSettings):
    """One process of visits."""

    service: str = "visits"
