"""What the server answers, as far as most people look at it; `raw` has the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T", bound="Answer")

#: States in which a job stays.
ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class Answer:
    """An object of the API."""

    #: All that the server said.
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def read(cls: type[T], raw: Mapping[str, Any]) -> T:
        known = [one.name for one in fields(cls) if one.name != "raw"]
        return cls(raw, **{name: raw[name] for name in known if raw.get(name) is not None})


@dataclass(frozen=True)
class Job(Answer):
    """A job."""

    id: str
    name: str
    state: str
    queue: str
    team: str
    owner: str
    #: Number of the latest attempt; 0 before the first.
    epoch: int
    #: The state in a sentence; empty where there is nothing to say.
    message: str = ""
    reason: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    nodes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether it ended for good."""
        return self.state in ENDED

    @property
    def succeeded(self) -> bool:
        return self.state == "succeeded"

    @property
    def created_at(self) -> datetime:
        return datetime.fromisoformat(str(self.raw["created_at"]).replace("Z", "+00:00"))


@dataclass(frozen=True)
class Forecast(Answer):
    """What would become of a job that is submitted now."""

    #: `starts-now`, `waits` or `never-starts`.
    outcome: str
    message: str
    #: How many jobs of its queue would go before it.
    position: int
    reason: str | None = None
    node: str | None = None
