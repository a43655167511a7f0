"""A form that does not fit comes back as it was typed, with the fault beside its field."""

from __future__ import annotations

from datetime import date

import httpx
import pytest
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from shared.errors import Rejected
from shared.web.forms import Form, read_form, read_upload

pytestmark = pytest.mark.asyncio


class NewCohort(BaseModel):
    title: str = Field(max_length=10)
    starts_on: date
    note: str | None = None
    enterprises: list[str] = Field(default_factory=list)
    confirmed: bool = False


async def post(**kwargs: object) -> dict[str, object]:
    async def take(request: Request) -> JSONResponse:
        cohort, form = await read_form(request, NewCohort)
        taken = cohort.model_dump(mode="json") if cohort else None
        return JSONResponse({"taken": taken, "values": dict(form.values), "errors": form.errors})

    app = Starlette(routes=[Route("/", take, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        answer: dict[str, object] = (await client.post("/", **kwargs)).json()  # type: ignore[arg-type]
        return answer


async def test_a_form_that_fits_becomes_a_command() -> None:
    data = {
        "title": " May ",
        "starts_on": "2026-05-01",
        "note": "",
        "enterprises": ["a", "b"],
        "confirmed": "true",
    }
    answer = await post(data=data)
    assert answer["errors"] == {}
    assert answer["taken"] == {
        "title": "May",
        "starts_on": "2026-05-01",
        "note": None,
        "enterprises": ["a", "b"],
        "confirmed": True,
    }


async def test_a_form_that_does_not_fit_keeps_what_was_typed_and_says_what_is_wrong() -> None:
    answer = await post(data={"title": "much too long a title", "starts_on": ""})
    assert answer["taken"] is None
    assert answer["values"] == {"title": "much too long a title", "starts_on": ""}
    errors = answer["errors"]
    assert isinstance(errors, dict)
    assert errors["starts_on"] == "Please fill this in."
    assert "at most 10 characters" in errors["title"]


async def test_an_uploaded_file_comes_with_the_fields_beside_it() -> None:
    async def take(request: Request) -> JSONResponse:
        try:
            upload, others = await read_upload(request)
        except Rejected as refused:
            return JSONResponse({"code": refused.code, "field": refused.field})
        return JSONResponse([upload.filename, upload.data.decode(), others])

    app = Starlette(routes=[Route("/", take, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        files = {"file": ("people.csv", b"a,b")}
        taken = await client.post("/", files=files, data={"dry_run": "true"})
        assert taken.json() == ["people.csv", "a,b", {"dry_run": "true"}]
        none = await client.post("/", data={"file": "not a file"})
        assert none.json() == {"code": "no_file", "field": "file"}


async def test_a_form_shows_one_or_several_values() -> None:
    form = Form({"one": "a", "many": ["a", "b"], "none": []})
    assert (form.value("one"), form.value("many"), form.value("none"), form.value("other")) == (
        "a",
        "a",
        "",
        "",
    )
    assert (form.chosen("one"), form.chosen("many"), form.chosen("other")) == (
        ["a"],
        ["a", "b"],
        [],
    )


async def test_what_a_rule_refuses_stands_on_the_form() -> None:
    form = Form()
    with form.refusals():
        raise Rejected("too_late", 422, "Choose a day that is still to come.", field="until")
    assert form.errors == {"until": "Choose a day that is still to come."}


async def test_what_is_not_there_for_this_person_is_no_matter_of_the_form() -> None:
    form = Form()
    with pytest.raises(Rejected), form.refusals():
        raise Rejected("not_found", 404, "No such visit.")
    assert form.errors == {}
