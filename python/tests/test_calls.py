"""How calls are repeated and refused, without a server."""

import asyncio

import httpx
import pytest

import lilac
from lilac import _calls

JOB = {
    "id": "0198c2f0-1111-7222-8333-abcdef012345", "name": "a", "state": "queued", "queue": "q", "team": "t",
    "owner": "o", "epoch": 0, "message": "", "created_at": "2026-01-01T00:00:00Z",
}  # fmt: skip


def client(answer) -> lilac.Client:
    made = lilac.Client("http://lilac.test", "token")
    made._http = httpx.Client(base_url="http://lilac.test/api/v1", transport=httpx.MockTransport(answer))
    return made


def problem(status, code, errors=()):
    body = {"type": "about:blank", "title": "", "status": status, "code": code, "detail": "no", "errors": list(errors)}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def test_a_broken_submit_is_repeated_with_the_same_key():
    keys = []

    def answer(request):
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx.ReadError("broken")
        return problem(503, "unavailable") if len(keys) == 2 else httpx.Response(201, json=JOB)

    assert client(answer).submit(name="a", image="b").state == "queued"
    assert len(keys) == 3 and len(set(keys)) == 1


def test_a_broken_cancel_is_not_repeated():
    asked = []

    def answer(request):
        asked.append(request)
        raise httpx.ReadError("broken")

    with pytest.raises(lilac.Unreachable):
        client(answer).cancel("x")
    assert len(asked) == 1


def test_a_refusal_names_the_fields():
    refused = problem(422, "invalid-field", [{"path": "resources.cpus", "code": "x", "message": "must be more"}])
    with pytest.raises(lilac.Refused, match="resources.cpus: must be more") as caught:
        client(lambda request: refused).submit(name="a", image="b")
    assert (caught.value.status, caught.value.code) == (422, "invalid-field")
    assert caught.value.errors[0].path == "resources.cpus"


def test_what_is_no_lilac_server_is_told():
    with pytest.raises(lilac.Unreachable, match="no Lilac server"):
        client(lambda request: httpx.Response(404, text="<html>")).job("x")


def test_waiting_ends_with_the_job_or_with_the_time():
    states = iter(["queued", "running", "failed"])

    def answer(request):
        return httpx.Response(200, json={**JOB, "state": next(states, "failed"), "reason": "oom"})

    with pytest.raises(lilac.JobFailed, match="oom") as caught:
        client(answer).wait("x", check=True)
    assert caught.value.job.reason == "oom"
    with pytest.raises(TimeoutError, match="queued"):
        client(lambda request: httpx.Response(200, json=JOB)).wait("x", timeout=0)


def test_a_log_is_followed_from_before_its_first_attempt_into_the_second():
    """No attempt yet, in two ways; then one that fails after a line, and one that ends well."""

    def log(epoch, text, end, complete):
        headers = {"lilac-log-epoch": str(epoch), "lilac-log-next-offset": str(end)}
        return httpx.Response(200, content=text, headers=headers | {"lilac-log-complete": complete})

    asked = []
    logs = iter([
        problem(404, "not-found"), log(0, b"", 0, "false"), log(1, b"one\ntw", 6, "false"), log(1, b"o\n", 8, "true"),
        log(2, b"three", 5, "true"),
    ])  # fmt: skip
    jobs = iter([{"state": "queued"}, {"state": "running", "epoch": 2}, {"state": "succeeded", "epoch": 2}])

    def answer(request):
        if not request.url.path.endswith("/logs"):
            return httpx.Response(200, json={**JOB, **next(jobs)})
        asked.append((request.url.params.get("epoch"), request.url.params["offset"]))
        return next(logs)

    assert list(client(answer).follow("x")) == ["one", "two", "three"]
    assert asked == [(None, "0"), (None, "0"), (None, "0"), ("1", "6"), ("2", "0")]


def test_the_token_is_in_no_text():
    made = lilac.Client("http://lilac.test", "lilac_pat_secret")
    assert "secret" not in repr(made)


def test_nobody_is_logged_in_by_accident(monkeypatch, tmp_path):
    for name in ["LILAC_SERVER", "LILAC_TOKEN", "LILAC_PROFILE"]:
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "cli.toml"
    monkeypatch.setenv("LILAC_CONFIG", str(config))
    with pytest.raises(lilac.LilacError, match="LILAC_SERVER"):
        lilac.Client()
    config.write_text(
        'server = "http://a"\n[login]\ntoken = "lilac_pat_a"\n[profiles.lab]\nserver = "http://b"\n'
        '[profiles.lab.login]\ntoken = "lilac_pat_b"\n'
    )
    assert lilac.Client().server == "http://a"
    assert lilac.Client(profile="lab").server == "http://b"
    with pytest.raises(lilac.LilacError, match="not logged in"):
        lilac.Client("http://elsewhere")


def test_the_async_client_makes_the_same_calls():
    async def run():
        made = lilac.AsyncClient("http://lilac.test", "token")
        transport = httpx.MockTransport(lambda request: httpx.Response(200, json={**JOB, "state": "succeeded"}))
        made._http = httpx.AsyncClient(base_url="http://lilac.test/api/v1", transport=transport)
        async with made:
            return await made.wait("x", check=True)

    assert asyncio.run(run()).succeeded
    assert _calls.TRIES > 1
