"""The package against a real server with a real node: `LILAC_SERVER`, `LILAC_TOKEN` and `LILAC_TEST_IMAGE` say which."""

import asyncio
import os
import uuid

import pytest

import lilac

IMAGE = os.environ.get("LILAC_TEST_IMAGE")
pytestmark = pytest.mark.skipif(not IMAGE, reason="LILAC_TEST_IMAGE is not set: there is no server to test with")

#: Far longer than a small job takes on a busy machine.
SOON = 120.0


def small(name, run):
    resources = {"cpus": "100m", "memory": "32Mi"}
    return {"name": name, "image": IMAGE, "network": "none", "resources": resources, "run": run}


def test_a_job_is_submitted_followed_and_waited_for():
    with lilac.Client() as client:
        job = client.submit(small("from-python", "echo one; echo two; exit 0"))
        assert list(client.follow(job)) == ["one", "two"]
        ended = client.wait(job, timeout=SOON, check=True)
        assert ended.succeeded and ended.exit_code == 0 and ended.nodes
        assert client.logs(job) == "one\ntwo\n"
        assert job.id in [one.id for one in client.jobs(name="from-python")]


def test_a_failure_is_raised_and_a_key_makes_one_job():
    with lilac.Client() as client:
        key = str(uuid.uuid4())
        spec = small("fails-from-python", "exit 3")
        job = client.submit(spec, idempotency_key=key)
        assert client.submit(spec, idempotency_key=key).id == job.id
        with pytest.raises(lilac.JobFailed) as caught:
            client.wait(job, timeout=SOON, check=True)
        assert caught.value.job.exit_code == 3
        with pytest.raises(lilac.Refused) as refused:
            client.submit(small("a b", "true"))
        assert refused.value.errors[0].path == "name"


def test_a_plan_says_what_would_be_and_cancelling_ends_a_job():
    async def run():
        async with lilac.AsyncClient() as client:
            assert (await client.plan(small("planned", "true"))).outcome == "starts-now"
            huge = small("huge", "true") | {"resources": {"cpus": 90000}}
            assert (await client.plan(huge)).outcome == "never-starts"
            job = await client.submit(small("endless-from-python", "echo begun; exec sleep 1000"))
            async for line in client.follow(job):
                assert line == "begun"
                await client.cancel(job)
            return await client.wait(job, timeout=SOON)

    assert asyncio.run(run()).state == "cancelled"
