"""What people fill in, and what is said about it, field by field.

A form that was not right comes back with status 422, everything as it was typed and the fault
beside its field. Nothing that was typed is logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from shared.errors import Rejected
from shared.web.problems import field_errors

MAX_FIELDS: Final = 500
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(slots=True)
class Form:
    """The state of a form on a page: what stands in it and what is wrong with it.

    `errors` maps a field's name to its message; the empty name is the form as a whole.
    """

    values: Mapping[str, str | list[str]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """Return what stands in a field; empty when nothing does."""
        found = self.values.get(name, "")
        return found if isinstance(found, str) else (found[0] if found else "")

    def chosen(self, name: str) -> list[str]:
        """Return what is chosen where several can be."""
        found = self.values.get(name, [])
        return [found] if isinstance(found, str) else list(found)

    def refuse(self, rejected: Rejected) -> Form:
        """Put a refusal beside the fields it is about; returns the form, to be rendered with 422."""
        for detail in rejected.details:
            self.errors.setdefault(str(detail.get("field") or ""), str(detail.get("message", "")))
        if not rejected.details:
            self.errors[rejected.field or ""] = rejected.message
        return self

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """What is refused inside stands on the form afterwards. What is not there for this person (404) is raised on."""
        try:
            yield
        except Rejected as refused:
            if refused.status == 404:
                raise
            self.refuse(refused)


class KeyForm(BaseModel):
    """A form that is nothing but a button; two clicks are one by its key."""

    idempotency_key: Annotated[str, Field(min_length=8, max_length=200)]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was chosen. Its name is shown back to its owner and used for nothing else."""

    filename: str
    data: bytes


async def read_form(request: Request, model: type[_Model]) -> tuple[_Model | None, Form]:
    """Read the posted form into `model`; None and a form with errors when it does not fit.

    Empty fields count as not filled in, so an optional date may stay empty.
    """
    async with request.form(max_fields=MAX_FIELDS, max_files=0) as posted:
        values: dict[str, str | list[str]] = {}
        for name in posted:
            given = [str(one).strip() for one in posted.getlist(name)]
            values[name] = given if _is_list(model, name) else given[-1]
    form = Form(values)
    filled = {name: value for name, value in values.items() if value not in ("", [""])}
    try:
        return model.model_validate(filled), form
    except ValidationError as wrong:
        found = wrong.errors(include_url=False, include_input=False)
        for error in field_errors([dict(one) for one in found]):
            missing = error["expected"] == "a value"
            message = "Please fill this in." if missing else f"{error['message']}."
            form.errors.setdefault(error["field"].split(".")[0], message.replace("..", "."))
        return None, form


async def read_upload(request: Request, name: str = "file") -> tuple[Upload, dict[str, str]]:
    """Read one uploaded file and the other fields beside it; `Rejected` when no file was chosen."""
    async with request.form(max_fields=MAX_FIELDS, max_files=1) as posted:
        chosen = posted.get(name)
        if not isinstance(chosen, UploadFile) or not chosen.filename:
            raise Rejected("no_file", 422, "Choose a file first.", field=name)
        others = {key: str(value) for key, value in posted.items() if isinstance(value, str)}
        return Upload(chosen.filename, await chosen.read()), others


def _is_list(model: type[BaseModel], name: str) -> bool:
    info = model.model_fields.get(name)
    origin = getattr(info.annotation, "__origin__", None) if info else None
    return origin in {list, tuple, set, frozenset}
