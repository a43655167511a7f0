"""Home, the register's lists, and what is kept about oneself."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.directory.domain.people import may_see_contacts
from services.directory.http.api_enterprises import page_of_enterprises
from services.directory.http.api_people import MayList, page_of_people
from services.directory.http.asking import CurrentDeps, actor_of
from services.directory.http.cookies import clear_session
from services.directory.storage.enterprises import get_enterprise
from services.directory.storage.people import get_person, list_people_by_ids
from services.directory.storage.sessions import list_sessions_of
from services.directory.use_cases.end_sessions import revoke_sessions
from shared.auth import CurrentIdentity
from shared.contracts.values import Role
from shared.crypto import new_token
from shared.db import transaction
from shared.errors import not_found
from shared.web.forms import Form, KeyForm, read_form
from shared.web.navigation import home_of
from shared.web.pages import render

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def router() -> APIRouter:
    """`/`, `/people`, `/enterprises`, `/me`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def go_home(identity: CurrentIdentity) -> Response:
        return RedirectResponse(home_of(identity), 303)

    @routes.get("/people")
    async def show_people(
        request: Request,
        identity: MayList,
        deps: CurrentDeps,
        role: str = "",
        country: str = "",
        q: Annotated[str, Query(max_length=100)] = "",
        cursor: str = "",
    ) -> Response:
        people, following = await page_of_people(
            identity, deps, role=role or None, country=country or None, containing=q or None, cursor=cursor
        )
        actor = actor_of(identity)
        rows = [(person, may_see_contacts(actor, person)) for person in people]
        asked = {"role": role, "country": country, "q": q}
        return render(
            request,
            "people.html",
            form=Form(asked),
            rows=rows,
            roles=[(one.value, one.value.capitalize()) for one in Role],
            countries=[(code, code) for code in sorted(identity.countries)],
            more=f"?{urlencode(asked | {'cursor': following})}" if following else None,
        )

    @routes.get("/enterprises")
    async def show_enterprises(
        request: Request, identity: MayList, deps: CurrentDeps, country: str = "", cursor: str = ""
    ) -> Response:
        found, following = await page_of_enterprises(identity, deps, country=country or None, cursor=cursor)
        async with transaction(deps.pool) as conn:
            contacts = await list_people_by_ids(conn, [one for each in found for one in each.contact_ids])
        asked = {"country": country}
        return render(
            request,
            "enterprises.html",
            form=Form(asked),
            rows=found,
            names={person.person_id: person.name for person in contacts},
            week_of=week_of,
            countries=[(code, code) for code in sorted(identity.countries)],
            more=f"?{urlencode(asked | {'cursor': following})}" if following else None,
        )

    @routes.get("/me")
    async def show_me(request: Request, identity: CurrentIdentity, deps: CurrentDeps) -> Response:
        async with transaction(deps.pool) as conn:
            person = await get_person(conn, UUID(identity.person_id))
            if person is None:
                raise not_found("person")
            sessions = await list_sessions_of(conn, person.person_id)
            enterprise = await get_enterprise(conn, person.enterprise_id) if person.enterprise_id else None
            manager = await get_person(conn, person.line_manager_id) if person.line_manager_id else None
        return render(
            request,
            "me.html",
            person=person,
            sessions=sessions,
            enterprise=enterprise,
            manager=manager,
            nonce=new_token(),
            token_form=Form(),
        )

    @routes.post("/me/sign-out-everywhere")
    async def sign_out_everywhere(request: Request, identity: CurrentIdentity, deps: CurrentDeps) -> Response:
        filled, _ = await read_form(request, KeyForm)
        key = filled.idempotency_key if filled else new_token()
        await revoke_sessions(UUID(identity.person_id), actor_of(identity), key, deps=deps)
        answer = RedirectResponse("/directory/sign-in", 303)
        clear_session(answer, deps.settings)
        return answer

    return routes


def week_of(weekdays: Sequence[int]) -> str:
    """Working weekdays (ISO, 1 is Monday) as people say them: Sun–Thu, Mon–Fri, Mon, Wed, Fri."""
    days = set(weekdays)
    starts = [day for day in days if (day - 2) % 7 + 1 not in days]
    if len(starts) != 1 or len(days) < 3:
        return "every day" if len(days) == 7 else ", ".join(_WEEKDAYS[day - 1] for day in sorted(days))
    first = starts[0]
    return f"{_WEEKDAYS[first - 1]}–{_WEEKDAYS[(first + len(days) - 2) % 7]}"
