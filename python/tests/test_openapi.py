"""What the package asks for and reads is in the document of the API."""

import json
from dataclasses import fields
from pathlib import Path

import httpx
import pytest

from lilac import Forecast, Job, _calls

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())


def asked(call):
    """The first request of a call."""
    return next(step for step in call if isinstance(step, _calls.Ask))


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (_calls.submit({}, None), "/jobs"),
        (_calls.plan({}), "/jobs/plan"),
        (_calls.job("ID"), "/jobs/{id}"),
        (_calls.jobs(1, {"state": "failed", "owner": "me", "label": "a=b"}), "/jobs"),
        (_calls.cancel("ID"), "/jobs/{id}/cancel"),
        (_calls.log("ID", False, 1, 0), "/jobs/{id}/logs"),
    ],
)
def test_each_call_is_a_route_with_its_parameters(call, path):
    ask = asked(call)
    assert ask.path == path.replace("{id}", "ID")
    operation = DOCUMENT["paths"][f"/api/v1{path}"][ask.method.lower()]
    known = {one["name"].lower() for one in operation.get("parameters", [])}
    assert set(ask.query) <= known
    assert ask.key is None or "idempotency-key" in known
    assert (ask.body is not None) == ("requestBody" in operation)


@pytest.mark.parametrize(("kind", "schema"), [(Job, "Job"), (Forecast, "JobForecast")])
def test_each_field_is_in_the_document_and_needed_ones_always_come(kind, schema):
    schema = DOCUMENT["components"]["schemas"][schema]
    for one in fields(kind):
        if one.name == "raw":
            continue
        assert one.name in schema["properties"], one.name
        has_default = one.default is not one.default_factory
        assert has_default or one.name in schema["required"], one.name


def test_headers_of_logs_are_in_the_document():
    answer = DOCUMENT["paths"]["/api/v1/jobs/{id}/logs"]["get"]["responses"]["200"]
    names = {name.lower() for name in answer.get("headers", {})}
    assert {"lilac-log-epoch", "lilac-log-next-offset", "lilac-log-complete"} <= names


def test_states_in_which_a_job_stays_are_states():
    states = DOCUMENT["components"]["schemas"]["JobState"]
    known = set(states.get("enum") or [one for part in states["oneOf"] for one in part.get("enum", [part.get("const")])])
    from lilac._models import ENDED

    assert ENDED <= known
    assert httpx.__version__
