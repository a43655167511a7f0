"""Pages: my messages, how I want to be reached, and the delivery log of a coordinator."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from services.notifications.domain.recipient import Preferences
from services.notifications.http.api import deps_of
from services.notifications.http.titles import title_of, tone_of
from services.notifications.http.wire import PreferencesBody, QuietBody, State
from services.notifications.storage.log import Filter
from services.notifications.storage.people import get_preferences
from services.notifications.use_cases.read_log import read_log, reader_of
from services.notifications.use_cases.set_preferences import SetPreferences, set_preferences
from shared.auth import CurrentIdentity, Identity, require
from shared.commands import Idempotency
from shared.db import transaction
from shared.errors import Rejected
from shared.ids import new_id
from shared.web.forms import Form, read_form
from shared.web.pages import render

_ORDERS = {"email": ["email", "sms"], "sms": ["sms", "email"]}


class PreferencesForm(BaseModel):
    idempotency_key: Annotated[str, Field(min_length=8, max_length=200)]
    first: Literal["email", "sms"]
    quiet: bool = False
    starts: str = ""
    ends: str = ""
    language: str | None = None

    def to_body(self) -> PreferencesBody:
        """As the API would have it. Raises `Rejected` where the hours are missing."""
        quiet = None
        if self.quiet:
            if not self.starts or not self.ends:
                raise Rejected("hours_missing", 422, "Say from when until when.", field="starts")
            quiet = QuietBody.model_validate({"starts": self.starts, "ends": self.ends})
        return PreferencesBody.model_validate({
            "channels": _ORDERS[self.first],
            "quiet": quiet.model_dump() if quiet else None,
            "language": self.language or None,
        })  # fmt: skip


def router() -> APIRouter:
    """Routes under `/notifications`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def my_messages(request: Request, identity: CurrentIdentity, cursor: UUID | None = None) -> Response:
        me = UUID(identity.person_id)
        rows, following = await read_log(
            reader_of(identity), Filter(recipient=me, before=cursor), deps=deps_of(request)
        )
        return render(
            request,
            "messages.html",
            rows=rows,
            following=following,
            title_of=title_of,
            tone_of=tone_of,
            keeps_log=identity.has("coordinator", "officer", "deputy", "head"),
        )

    @routes.get("/log")
    async def delivery_log(
        request: Request,
        identity: Annotated[Identity, Depends(require("coordinator", "officer", "deputy", "head"))],
        about: UUID | None = None,
        state: State | None = None,
        cursor: UUID | None = None,
    ) -> Response:
        wanted = Filter(about=about, state=state, before=cursor)
        rows, following = await read_log(reader_of(identity), wanted, deps=deps_of(request))
        return render(
            request,
            "log.html",
            rows=rows,
            following=following,
            about=about,
            state=state,
            title_of=title_of,
            tone_of=tone_of,
        )

    @routes.get("/preferences")
    async def preferences(request: Request, identity: CurrentIdentity, saved: bool = False) -> Response:
        async with transaction(deps_of(request).pool) as conn:
            chosen = await get_preferences(conn, UUID(identity.person_id))
        return _preferences_page(request, _form_of(chosen), saved=saved)

    @routes.post("/preferences")
    async def save_preferences(request: Request, identity: CurrentIdentity) -> Response:
        filled, form = await read_form(request, PreferencesForm)
        if filled is None:
            return _preferences_page(request, form, status=422)
        try:
            body = filled.to_body()
            asked = Idempotency.of(
                filled.idempotency_key, f"preferences:{identity.person_id}", body.model_dump(mode="json")
            )
            await set_preferences(
                SetPreferences(UUID(identity.person_id), body.to_domain(), asked), deps=deps_of(request)
            )
        except ValueError:
            form.errors["starts"] = "Write the times as 20:00 and 07:00."
            return _preferences_page(request, form, status=422)
        except Rejected as refused:
            return _preferences_page(request, form.refuse(refused), status=refused.status)
        return RedirectResponse("/notifications/preferences?saved=true", 303)

    return routes


def _preferences_page(request: Request, form: Form, *, status: int = 200, saved: bool = False) -> Response:
    catalogue = deps_of(request).composer.catalogue
    names = {"en": "English", "es": "Español", "vi": "Tiếng Việt"}
    return render(
        request,
        "preferences.html",
        status=status,
        form=form,
        saved=saved,
        key=str(new_id()),
        languages=[(one, names.get(one, one)) for one in catalogue.languages],
    )


def _form_of(chosen: Preferences) -> Form:
    quiet = chosen.quiet
    return Form({
        "first": chosen.channels[0],
        "quiet": "true" if quiet else "",
        "starts": f"{quiet.starts:%H:%M}" if quiet else "20:00",
        "ends": f"{quiet.ends:%H:%M}" if quiet else "07:00",
        "language": chosen.language or "",
    })  # fmt: skip
