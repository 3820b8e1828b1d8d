"""What is asked of the server, without the asking.

Each call is a generator: it yields what to do (a request, a pause, a piece of output) and is sent what came of it. The
two clients drive the same generators, one by blocking and one by awaiting.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, Union
from uuid import uuid4

import httpx

from ._errors import FieldError, JobFailed, LilacError, Refused, Unreachable
from ._models import Forecast, Job

T = TypeVar("T")

#: How often a call is tried before it counts as failed.
TRIES = 4
#: Longest pause between two looks at a job.
LONGEST_PAUSE = 2.0
#: How long a server that is away is waited for by whoever waits anyway.
PATIENCE = 600.0
#: Answers by which a server asks for another try.
TRANSIENT = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Ask:
    """A request; sent back is the response, or the error that came in its place."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    key: str | None = None


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Piece:
    """A part of an output that comes bit by bit."""

    content: bytes


Came = Union[httpx.Response, httpx.HTTPError]
Call = Generator[Union[Ask, Pause, Piece], Any, T]


def answered(ask: Ask, is_repeatable: bool) -> Call[httpx.Response]:
    """The response to a request that went well; tried again where that may help and can do no harm."""
    pause = 0.2
    for last in [False] * (TRIES - 1) + [True]:
        came: Came = yield ask
        # A connection that did not come about had no effect; one that broke may have had.
        if isinstance(came, httpx.HTTPError):
            is_harmless = is_repeatable or isinstance(came, httpx.ConnectError)
            if last or not is_harmless:
                raise Unreachable(f"cannot reach the server: {came or type(came).__name__}") from came
        elif came.is_success:
            return came
        elif last or came.status_code not in TRANSIENT:
            raise refusal(came)
        yield Pause(pause * random.uniform(0.5, 1.0))
        pause *= 2
    raise AssertionError("the last try returns or raises")


def refusal(response: httpx.Response) -> LilacError:
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return Unreachable(f"what answers there is no Lilac server: status {response.status_code}")
    problem = response.json()
    errors = tuple(
        FieldError(str(one["path"]), str(one["code"]), str(one["message"])) for one in problem.get("errors", ())
    )
    return Refused(response.status_code, str(problem["code"]), str(problem.get("detail", "")), errors)


def submit(spec: Mapping[str, Any], key: str | None) -> Call[Job]:
    # With its key, a repeated call gives the job that the first one made.
    ask = Ask("POST", "/jobs", body=spec, key=key or str(uuid4()))
    return Job.read((yield from answered(ask, True)).json())


def plan(spec: Mapping[str, Any]) -> Call[Forecast]:
    return Forecast.read((yield from answered(Ask("POST", "/jobs/plan", body=spec), True)).json())


def job(id: str) -> Call[Job]:
    return Job.read((yield from answered(Ask("GET", f"/jobs/{id}"), True)).json())


def jobs(limit: int, query: Mapping[str, Any]) -> Call[list[Job]]:
    found: list[Job] = []
    cursor: str | None = None
    while True:
        page = {**query, "limit": min(500, limit - len(found)), **({"cursor": cursor} if cursor else {})}
        answer = (yield from answered(Ask("GET", "/jobs", query=page), True)).json()
        found += [Job.read(one) for one in answer["items"]]
        cursor = answer.get("next_cursor")
        if cursor is None or len(found) >= limit:
            return found


def cancel(id: str) -> Call[Job]:
    # Cancelling twice is cancelling once, but the second is refused: only what surely had no effect is repeated.
    return Job.read((yield from answered(Ask("POST", f"/jobs/{id}/cancel"), False)).json())


def patiently(call: Any) -> Call[Any]:
    """A call for whoever waits anyway: bears a server that is away for minutes."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return (yield from call())
        except (Unreachable, Refused) as error:
            is_transient = isinstance(error, Unreachable) or error.status in TRANSIENT
            if not is_transient or time.monotonic() > until:
                raise
        yield Pause(LONGEST_PAUSE)


def wait(id: str, timeout: float | None, check: bool) -> Call[Job]:
    until = None if timeout is None else time.monotonic() + timeout
    pause = 0.05
    while True:
        latest: Job = yield from patiently(lambda: job(id))
        if latest.has_ended:
            if check and not latest.succeeded:
                raise JobFailed(latest)
            return latest
        left = LONGEST_PAUSE if until is None else until - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"job {latest.name} is {latest.state} after {timeout} s")
        yield Pause(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)


def log(id: str, follow: bool, attempt: int | None, rank: int) -> Call[None]:
    """The log from its beginning, piece by piece; of a job that has not started, once it does."""
    offset, epoch, pause = 0, attempt, 0.05
    while True:
        query = {"offset": offset, "rank": rank, **({} if epoch is None else {"epoch": epoch})}
        try:
            response = yield from patiently(lambda: answered(Ask("GET", f"/jobs/{id}/logs", query=query), True))
        except Refused as error:
            # Before the first attempt there is no log yet.
            if error.code != "not-found":
                raise
            latest: Job = yield from patiently(lambda: job(id))
            if not follow or latest.has_ended:
                return
            epoch = attempt
            yield Pause(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
            continue
        # 0 says that there was no attempt yet: then the next answer is of the first.
        epoch = int(response.headers["lilac-log-epoch"]) or attempt
        offset = int(response.headers["lilac-log-next-offset"])
        if response.content:
            yield Piece(response.content)
            pause = 0.05
        if response.headers.get("lilac-log-complete") == "true":
            if not follow or attempt is not None:
                return
            latest = yield from patiently(lambda: job(id))
            if latest.epoch > (epoch or 0):
                epoch, offset = latest.epoch, 0
            elif latest.has_ended:
                return
        elif not response.content and not follow:
            return
        if not response.content:
            yield Pause(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
