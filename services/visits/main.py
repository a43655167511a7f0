"""The wiring of visits, and nothing else."""

from pathlib import Path

from fastapi import FastAPI

from services.visits.consumers import CONSUMERS
from services.visits.deps import Deps
from services.visits.http import (
    api_actions,
    api_cases,
    api_visits,
    pages_actions,
    pages_cases,
    pages_report,
    pages_tap,
    pages_visits,
)
from services.visits.packs import load_packs
from services.visits.settings import CASE_KEY_FILE, TAP_KEY_FILE, Settings
from services.visits.timers import TIMERS
from services.visits.use_cases.watch_cases import watch_cases
from shared.application import make_service
from shared.assembly import Parts, Running
from shared.crypto import KeyFileUnusable, Sealer
from shared.taps import TapVerifier

_ROUTED = (
    api_visits, api_actions, api_cases, pages_visits, pages_report, pages_cases, pages_actions, pages_tap,
)  # fmt: skip
TEMPLATES = Path(__file__).parent / "http" / "templates"


def open_sealer(path: Path) -> Sealer:
    """The installation's key for case text. Without it the service does not start: it could neither read nor write a case."""
    try:
        return Sealer(path.read_bytes())
    except (OSError, ValueError) as wrong:
        message = f"{path} must hold 32 random bytes, the key that case texts are sealed with: {wrong}"
        raise KeyFileUnusable(message) from wrong


async def make_parts(service: Running) -> Parts:
    """What visits consists of besides its HTTP side."""
    settings = service.settings
    assert isinstance(settings, Settings)
    deps = Deps(
        pool=service.pool,
        clock=service.clock,
        settings=settings,
        packs=load_packs(),
        sealer=open_sealer(settings.keys_dir / CASE_KEY_FILE),
        taps=TapVerifier(settings.keys_dir / TAP_KEY_FILE),
    )

    async def watch() -> None:
        await watch_cases(deps)

    return Parts(deps=deps, consumers=CONSUMERS, timers=TIMERS, background=(watch,))


def create_app(settings: Settings) -> FastAPI:
    """The service's application."""
    return make_service(
        settings,
        make_parts,
        title="Gemba: visits, findings, actions and cases",
        routers=[module.router() for module in _ROUTED],
        templates=TEMPLATES,
    )
