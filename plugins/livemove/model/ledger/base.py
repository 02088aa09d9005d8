"""What all ledger documents and events share: name, version, reading and storing.

Unknown fields are kept, so that an older livemove passes on what a newer one wrote. Times are ISO texts with
an offset, exactly as they are stored; `moment` makes datetimes of them. Names come from `NAME` alone: nobody
formats them by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from string import Formatter
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from livemove.model.errors import LivemoveError
from livemove.model.spec import Side

KEYS: dict[object, str] = {int: "[0-9]+", Side: "|".join(Side)}
"""How keys look in a name, by their type; any other has no slash."""
KEPT = ConfigDict(extra="allow", frozen=True, populate_by_name=True)


def _aware(text: str) -> str:
    return text if datetime.fromisoformat(text).tzinfo else f"{text}+00:00"


Time = Annotated[str, AfterValidator(_aware)]
"""An ISO 8601 time, kept as it was written; one without an offset is UTC and gets it."""


def moment(time: str) -> datetime:
    """The datetime of a stored time; one without a zone is UTC."""
    at = datetime.fromisoformat(time)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class UnreadableError(LivemoveError):
    """A document or an event of the ledger that this livemove cannot read."""


@dataclass(frozen=True)
class Unreadable:
    """What was left out, and why."""

    name: str
    reason: str
    event: str = ""
    """Its kind, where an event says one."""

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"

    def error(self, wanted: str) -> UnreadableError:
        return UnreadableError(
            f"The ledger's {self.name} cannot be read: {self.reason}",
            wanted=wanted,
            next_step=(
                "the bucket is versioned: restore the version before it, or delete it and clear the task that"
                " writes it"
            ),
        )


class Part(BaseModel):
    """A section within a document."""

    model_config = KEPT


class Document(BaseModel):
    """One document: written over as a whole, found by its name."""

    model_config = KEPT
    NAME: ClassVar[str] = ""
    """Where it is, with its keys in braces; every key is a field."""
    ONLY_SHOWN: ClassVar[bool] = False
    """Nothing is decided by it and it is written again: a damaged one counts as none, with a warning."""

    version: int = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "NAME" in cls.__dict__:
            DOCUMENTS[cls.NAME] = cls

    @classmethod
    def name_of(cls, **keys: object) -> str:
        """Its name for these keys; TypeError when they are not the template's."""
        if set(keys) != set(cls.key_fields()):
            raise TypeError(f"{cls.__name__} is found by {cls.key_fields()}, not by {sorted(keys)}")
        return cls.NAME.format(**{k: _escaped(v) for k, v in keys.items()})

    @classmethod
    def key_fields(cls) -> tuple[str, ...]:
        return tuple(field for _, field, _, _ in Formatter().parse(cls.NAME) if field)

    @classmethod
    def prefix_of(cls, **keys: object) -> str:
        """How the names of all documents with these first keys begin."""
        begin, given = "", dict(keys)
        for text, field, _, _ in Formatter().parse(cls.NAME):
            begin += text
            if field is None:
                continue
            if field not in given:
                break
            begin += _escaped(given.pop(field))
        if given:
            raise TypeError(f"{cls.__name__} cannot be listed by {sorted(given)} alone")
        return begin

    @classmethod
    def keys_in(cls, name: str) -> dict[str, str] | None:
        """The keys in a name; None when it is no name of this kind."""
        parts = []
        for text, field, _, _ in Formatter().parse(cls.NAME):
            parts.append(re.escape(text))
            if field:
                shape = KEYS.get(cls.model_fields[field].annotation, "[^/]+")
                parts.append(f"(?P<{field}>{shape})")
        found = re.fullmatch("".join(parts), name)
        return {k: _plain(v) for k, v in found.groupdict().items()} if found else None

    @property
    def ledger_name(self) -> str:
        return self.name_of(**{k: getattr(self, k) for k in self.key_fields()})

    @classmethod
    def read(cls, name: str, content: object) -> Self | Unreadable:
        """Of what is stored under this name. The name tells the keys, whatever the content says."""
        keys = cls.keys_in(name)
        if keys is None:
            return Unreadable(name, f"no name of a {cls.__name__}")
        if not isinstance(content, Mapping):
            return Unreadable(name, "no JSON object")
        try:
            return cls.model_validate({**content, **keys})
        except ValidationError as e:
            return Unreadable(name, reasons(e))

    def stored(self) -> dict[str, Any]:
        """As it is stored: JSON."""
        return self.model_dump(mode="json", by_alias=True)


DOCUMENTS: dict[str, type[Document]] = {}
"""Template -> its model."""


def kind_of(name: str) -> type[Document] | None:
    """The model of a document by its name; None: a newer livemove's."""
    return next((kind for kind in DOCUMENTS.values() if kind.keys_in(name) is not None), None)


class Event(BaseModel):
    """Something that happened; it is only ever added."""

    model_config = KEPT

    event: str
    version: int = 1
    time: Time = "1970-01-01T00:00:00+00:00"
    """When it was noted; the ledger fills it in, as the next three."""
    run_id: str = ""
    task_id: str = ""
    dag_id: str = ""
    """Of the run that noted it; empty in an older ledger."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        kind = cls.model_fields["event"].default
        if isinstance(kind, str):
            EVENTS[kind] = cls

    def stored(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


class UnknownEvent(Event):
    """Of a newer livemove: kept as it is."""


EVENTS: dict[str, type[Event]] = {}
"""`event` -> its model."""


def read_event(name: str, content: object) -> Event | Unreadable:
    """Of what is stored under this name."""
    if isinstance(content, Unreadable):
        return content
    if isinstance(content, Unreadable):
        return content
    if not isinstance(content, Mapping):
        return Unreadable(name, "no JSON object")
    kind = str(content.get("event") or "")
    try:
        return EVENTS.get(kind, UnknownEvent).model_validate(content)
    except ValidationError as e:
        return Unreadable(name, reasons(e), kind)


def reasons(error: ValidationError) -> str:
    """What pydantic found, in one line and without the values."""
    listed = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return "; ".join(listed[:3]) + (f"; and {len(listed) - 3} more" if len(listed) > 3 else "")


def _escaped(key: object) -> str:
    return str(key).replace("%", "%25").replace("/", "%2F")


def _plain(key: str) -> str:
    return key.replace("%2F", "/").replace("%25", "%")
