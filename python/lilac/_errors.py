"""What can go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._models import Job


class LilacError(Exception):
    """Everything that this package raises by itself."""


class Unreachable(LilacError):
    """Nobody answers, or not like a Lilac server."""


@dataclass(frozen=True)
class FieldError:
    """One refused field: where it is, a stable code, and a sentence."""

    path: str
    code: str
    message: str


class Refused(LilacError):
    """The server understood, and refused."""

    def __init__(self, status: int, code: str, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        fields = "; ".join(f"{error.path}: {error.message}" for error in errors)
        super().__init__(fields or detail)
        self.status = status
        #: A stable word, such as `invalid-field` or `not-found`.
        self.code = code
        self.errors = errors


class JobFailed(LilacError):
    """A job that was waited for with `check=True` did not succeed."""

    def __init__(self, job: Job) -> None:
        why = f" ({job.reason})" if job.reason else ""
        super().__init__(f"job {job.name} {job.state}{why}: {job.message}".rstrip(": "))
        self.job = job
