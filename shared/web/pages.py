"""Pages: the service that owns the URL renders it, in the one layout that all services share.

Everything is escaped unless a macro made it, an undefined name is an error and not an empty
place, and instants are shown in the reader's own zone with the exact instant beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from shared.auth import optional_identity
from shared.errors import Rejected
from shared.web import navigation
from shared.web.assets import Assets

KIT_TEMPLATES: Final = Path(__file__).parent / "templates"
_RIGHT_TO_LEFT: Final = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


class Pages:
    """Renders a service's templates; those of the kit are found behind the service's own."""

    def __init__(self, service: str, assets: Assets, folders: Sequence[Path] = ()) -> None:
        self.environment = Environment(
            loader=FileSystemLoader([*folders, KIT_TEMPLATES]),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(asset=assets.url, service=service)
        self.environment.filters.update(when=when, day=day, clock_time=clock_time, spelled=spelled)

    def render(self, request: Request, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
        """Answer with a page. The context has `identity` (or None), `zone`, `language`, `path`.

        `language` is that of the words on the page, English until a page says otherwise, not
        that of the reader: a screen reader pronounces by it.
        """
        values = _surroundings(request) | context
        values["direction"] = direction_of(cast("str", values["language"]))
        html = self.environment.get_template(template).render(values)
        return HTMLResponse(html, status, {"Vary": "HX-Request, Accept"})


def render(request: Request, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
    """Render with the pages of the application that this request came to."""
    pages = cast("Pages", request.app.state.pages)
    return pages.render(request, template, status=status, **context)


def _surroundings(request: Request) -> dict[str, object]:
    try:
        identity = optional_identity(request)
    except Rejected:  # an error page for somebody whose sign-in has just ended
        identity = None
    return {
        "identity": identity,
        "zone": identity.zone if identity else "UTC",
        "language": "en",
        "path": request.url.path,
        "navigation": navigation.entries_for(identity, request.url.path),
        "home": navigation.home_of(identity),
    }


def direction_of(language: str) -> str:
    """Return `rtl` or `ltr` for a BCP 47 tag."""
    return "rtl" if language.split("-", maxsplit=1)[0].lower() in _RIGHT_TO_LEFT else "ltr"


@pass_context
def when(context: Context, instant: datetime | None, form: str = "full") -> Markup:
    """Show an instant in the reader's zone: `{{ visit.starts_at|when }}`.

    `form`: `full` (Tue 31 Mar 2026, 09:00), `short` (31 Mar, 09:00) or `time` (09:00).
    """
    if instant is None:
        return Markup("—")
    if instant.tzinfo is None:
        message = f"{instant.isoformat()} has no time zone; pass an aware instant"
        raise ValueError(message)
    local = instant.astimezone(_zone(context))
    shapes: Mapping[str, str] = {
        "full": f"{local:%a} {local.day} {local:%b %Y, %H:%M}",
        "short": f"{local.day} {local:%b, %H:%M}",
        "time": f"{local:%H:%M}",
    }
    exact = instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(exact, shapes[form])


@pass_context
def clock_time(context: Context, instant: datetime) -> Markup:
    """Show the time of day alone, in the reader's zone."""
    return when(context, instant, "time")


def day(value: date | None, form: str = "full") -> Markup:
    """Show a calendar day, which has no zone. `form`: `full` (Tue 31 Mar 2026) or `short` (Tue 31 Mar)."""
    if value is None:
        return Markup("—")
    if isinstance(value, datetime):
        message = "day shows calendar days; use when for an instant"
        raise TypeError(message)
    shown = f"{value:%a} {value.day} {value:%b}" if form == "short" else f"{value:%a} {value.day} {value:%b %Y}"
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), shown)


def spelled(code: str) -> str:
    """Show a code of the data as people read it: `classroom-1` is “Classroom 1”."""
    plain = code.replace("_", " ").replace("-", " ")
    return plain[:1].upper() + plain[1:]


def _zone(context: Context) -> ZoneInfo:
    name: Any = context.get("zone") or "UTC"
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
