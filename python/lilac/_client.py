"""The two clients: one blocks, one is awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from types import TracebackType
from typing import Any, TypeVar, Union

import httpx

from . import _calls
from ._calls import Ask, Call, Pause, Piece
from ._models import Forecast, Job
from ._profile import resolve

T = TypeVar("T")
#: A job, or its id.
Which = Union[Job, str]

TIMEOUT = httpx.Timeout(60.0, connect=10.0)


def _id(job: Which) -> str:
    return job.id if isinstance(job, Job) else job


def _spec(spec: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**(spec or {}), **fields}


class _Settings:
    def __init__(self, server: str | None, token: str | None, profile: str | None) -> None:
        self.server, token = resolve(server, token, profile)
        self.options: dict[str, Any] = {
            "base_url": f"{self.server}/api/v1",
            "headers": {"authorization": f"Bearer {token}", "user-agent": "lilac-python/0.1.0"},
            "timeout": TIMEOUT,
            "follow_redirects": False,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.server!r})"


def _request(ask: Ask) -> dict[str, Any]:
    headers = {"idempotency-key": ask.key} if ask.key else {}
    request: dict[str, Any] = {"method": ask.method, "url": ask.path, "params": dict(ask.query), "headers": headers}
    return request if ask.body is None else {**request, "json": ask.body}


class Client(_Settings):
    """A connection to a Lilac server.

    Without arguments it is the server and login of LILAC_SERVER and LILAC_TOKEN, or of `lilac_cli login`.
    """

    def __init__(
        self, server: str | None = None, token: str | None = None, *, profile: str | None = None
    ) -> None:
        super().__init__(server, token, profile)
        self._http = httpx.Client(**self.options)

    def submit(
        self, spec: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None, **fields: Any
    ) -> Job:
        """Submits a job: the fields of a job file, as a mapping, by name, or both.

        A broken connection is tried again and makes no second job. With a key of your own, neither does a second call.
        """
        return self._run(_calls.submit(_spec(spec, fields), idempotency_key))

    def plan(self, spec: Mapping[str, Any] | None = None, **fields: Any) -> Forecast:
        """Says what would become of a job that is submitted now."""
        return self._run(_calls.plan(_spec(spec, fields)))

    def job(self, job: Which) -> Job:
        """The job as it is now."""
        return self._run(_calls.job(_id(job)))

    def jobs(self, *, limit: int = 50, **filter: Any) -> list[Job]:
        """The newest jobs; filters are those of the API: `state="failed"`, `owner="me"`, `label="exp=a12"` …"""
        return self._run(_calls.jobs(limit, filter))

    def wait(self, job: Which, *, timeout: float | None = None, check: bool = False) -> Job:
        """Waits until the job ended, over restarts of the server; raises TimeoutError after `timeout` seconds, and
        with `check` JobFailed where it did not succeed."""
        return self._run(_calls.wait(_id(job), timeout, check))

    def cancel(self, job: Which) -> Job:
        """Ends the job."""
        return self._run(_calls.cancel(_id(job)))

    def logs(self, job: Which, *, attempt: int | None = None, rank: int = 0) -> str:
        """What the job wrote so far."""
        pieces = self._pieces(_calls.log(_id(job), False, attempt, rank))
        return b"".join(pieces).decode(errors="replace")

    def follow(self, job: Which, *, attempt: int | None = None, rank: int = 0) -> Iterator[str]:
        """What the job writes, line by line, until it ends."""
        rest = b""
        for piece in self._pieces(_calls.log(_id(job), True, attempt, rank)):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")
        if rest:
            yield rest.decode(errors="replace")

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _step(self, step: Ask | Pause) -> Any:
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        try:
            return self._http.request(**_request(step))
        except httpx.HTTPError as error:
            return error

    def _run(self, call: Call[T]) -> T:
        came: Any = None
        while True:
            try:
                step = call.send(came)
            except StopIteration as end:
                result: T = end.value
                return result
            came = None if isinstance(step, Piece) else self._step(step)

    def _pieces(self, call: Call[None]) -> Iterator[bytes]:
        came: Any = None
        while True:
            try:
                step = call.send(came)
            except StopIteration:
                return
            if isinstance(step, Piece):
                came = None
                yield step.content
            else:
                came = self._step(step)


class AsyncClient(_Settings):
    """As `Client`, to be awaited."""

    def __init__(
        self, server: str | None = None, token: str | None = None, *, profile: str | None = None
    ) -> None:
        super().__init__(server, token, profile)
        self._http = httpx.AsyncClient(**self.options)

    async def submit(
        self, spec: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None, **fields: Any
    ) -> Job:
        """As `Client.submit`."""
        return await self._run(_calls.submit(_spec(spec, fields), idempotency_key))

    async def plan(self, spec: Mapping[str, Any] | None = None, **fields: Any) -> Forecast:
        """As `Client.plan`."""
        return await self._run(_calls.plan(_spec(spec, fields)))

    async def job(self, job: Which) -> Job:
        """As `Client.job`."""
        return await self._run(_calls.job(_id(job)))

    async def jobs(self, *, limit: int = 50, **filter: Any) -> list[Job]:
        """As `Client.jobs`."""
        return await self._run(_calls.jobs(limit, filter))

    async def wait(self, job: Which, *, timeout: float | None = None, check: bool = False) -> Job:
        """As `Client.wait`."""
        return await self._run(_calls.wait(_id(job), timeout, check))

    async def cancel(self, job: Which) -> Job:
        """As `Client.cancel`."""
        return await self._run(_calls.cancel(_id(job)))

    async def logs(self, job: Which, *, attempt: int | None = None, rank: int = 0) -> str:
        """As `Client.logs`."""
        pieces = [piece async for piece in self._pieces(_calls.log(_id(job), False, attempt, rank))]
        return b"".join(pieces).decode(errors="replace")

    async def follow(self, job: Which, *, attempt: int | None = None, rank: int = 0) -> AsyncIterator[str]:
        """As `Client.follow`."""
        rest = b""
        async for piece in self._pieces(_calls.log(_id(job), True, attempt, rank)):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")
        if rest:
            yield rest.decode(errors="replace")

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _step(self, step: Ask | Pause) -> Any:
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        try:
            return await self._http.request(**_request(step))
        except httpx.HTTPError as error:
            return error

    async def _run(self, call: Call[T]) -> T:
        came: Any = None
        while True:
            try:
                step = call.send(came)
            except StopIteration as end:
                result: T = end.value
                return result
            came = None if isinstance(step, Piece) else await self._step(step)

    async def _pieces(self, call: Call[None]) -> AsyncIterator[bytes]:
        came: Any = None
        while True:
            try:
                step = call.send(came)
            except StopIteration:
                return
            if isinstance(step, Piece):
                came = None
                yield step.content
            else:
                came = await self._step(step)
