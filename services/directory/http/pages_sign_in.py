"""Coming in and going out: ask for a link, look in your mail, press the button, sign out.

Following a link never acts (mail scanners follow every link); pressing the button on its page does.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, StringConstraints

from services.directory.domain.sign_in import HOME, safe_next
from services.directory.http.api_sign_in import SAME_WORDS
from services.directory.http.asking import CurrentDeps, identity_of
from services.directory.http.cookies import clear_session, session_cookies, set_session
from services.directory.use_cases.end_sessions import sign_out
from services.directory.use_cases.enter import Enter, enter, get_link_owner
from services.directory.use_cases.request_sign_in import RequestSignIn, request_sign_in
from shared.crypto import new_token
from shared.web.forms import Form, read_form
from shared.web.navigation import home_of
from shared.web.pages import render

LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SignInForm(BaseModel):
    """What is typed, and where to go afterwards."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)]
    next: Annotated[str, StringConstraints(max_length=500)] | None = None


class EnterForm(BaseModel):
    """The link, and the page on which the button was pressed."""

    token: LinkToken
    idempotency_key: Annotated[str, StringConstraints(min_length=8, max_length=200)] | None = None


def router() -> APIRouter:
    """`/sign-in`, `/enter`, `/sign-out`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/sign-in")
    async def show_sign_in(request: Request, next: Annotated[str | None, Query(max_length=500)] = None) -> Response:
        return render(request, "sign_in.html", form=Form({"next": next or ""}))

    @routes.post("/sign-in")
    async def ask_for_a_link(request: Request, deps: CurrentDeps) -> Response:
        filled, form = await read_form(request, SignInForm)
        if filled and "@" not in filled.email:
            form.errors["email"] = "This is not an e-mail address. It has an @, such as name@example.org."
        if filled is None or form.errors:
            return render(request, "sign_in.html", status=422, form=form)
        await request_sign_in(RequestSignIn(filled.email, filled.next), deps=deps)
        return RedirectResponse("/directory/sign-in/sent", 303)

    @routes.get("/sign-in/sent")
    async def look_in_your_mail(request: Request, deps: CurrentDeps) -> Response:
        return render(request, "look_in_your_mail.html", words=SAME_WORDS, has_inbox=deps.settings.has_inbox)

    @routes.get("/enter")
    async def show_link(request: Request, token: Annotated[LinkToken, Query()], deps: CurrentDeps) -> Response:
        owner = await get_link_owner(token, deps=deps)
        page = render(request, "enter.html", name=owner.name, token=token, nonce=new_token())
        page.headers["Referrer-Policy"] = "no-referrer"
        return page

    @routes.post("/enter")
    async def use_link(request: Request, deps: CurrentDeps) -> Response:
        filled, _ = await read_form(request, EnterForm)
        if filled is None:
            return RedirectResponse("/directory/sign-in", 303)
        entered = await enter(Enter(filled.token, filled.idempotency_key or new_token()), deps=deps)
        goal = safe_next(entered.next_path)
        if goal == HOME:
            goal = home_of(identity_of(entered.person, entered.session_id, "session"))
        answer = RedirectResponse(goal, 303)
        set_session(answer, entered.token, deps.settings)
        return answer

    @routes.post("/sign-out")
    async def leave(request: Request, deps: CurrentDeps) -> Response:
        await sign_out(session_cookies(request, deps.settings), deps=deps)
        answer = RedirectResponse("/directory/sign-in", 303)
        clear_session(answer, deps.settings)
        return answer

    return routes
