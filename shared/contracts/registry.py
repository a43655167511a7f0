"""The register of contract models: which type and version travels on which topic, keyed by what."""

from collections.abc import Callable
from typing import ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """Frozen; unknown fields are ignored when read, so that a newer publisher does not break an older reader."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: ClassVar[str]
    key_field: ClassVar[str]
    schema_version: ClassVar[int]
    type: ClassVar[str]

    @property
    def key(self) -> UUID:
        """The aggregate's id: the record's key."""
        value: UUID = getattr(self, self.key_field)
        return value


class Fact(Contract):
    """Something that happened to one aggregate."""


class State(Contract):
    """The whole state of one key, on a compacted topic; a tombstone erases it."""


class Command(Contract):
    """A wish from an outside system, answered by a fact with the same request id."""


_MODELS: dict[str, type[Contract]] = {}
_C = TypeVar("_C", bound=Contract)


def contract(*, topic: str, key: str, version: int = 1) -> Callable[[type[_C]], type[_C]]:
    """Register a model as `gemba.<ClassName>.v<version>` on `topic`; `key` names the field with the aggregate's id."""

    def register(model: type[_C]) -> type[_C]:
        model.topic = topic
        model.key_field = key
        model.schema_version = version
        model.type = f"gemba.{model.__name__.removesuffix(f'V{version}')}.v{version}"
        if model.type in _MODELS:
            raise ValueError(f"{model.type} is registered twice.")
        if key not in model.model_fields:
            raise ValueError(f"{model.type} has no field {key!r} to be its key.")
        _MODELS[model.type] = model
        return model

    return register


def models() -> tuple[type[Contract], ...]:
    """Every registered model, by topic and name."""
    return tuple(sorted(_MODELS.values(), key=lambda model: (model.topic, model.type)))


def model_for(type_name: str) -> type[Contract] | None:
    """The model of a `ce_type`, or None when this version of the code does not know it."""
    return _MODELS.get(type_name)
