"""Submits container jobs to a Lilac platform, and waits for them.

    import lilac

    client = lilac.Client()
    job = client.submit(name="hello", image="busybox", run="echo hello")
    print(client.wait(job).state, client.logs(job))

`AsyncClient` has the same methods, to be awaited.
"""

from ._client import AsyncClient, Client
from ._errors import FieldError, JobFailed, LilacError, Refused, Unreachable
from ._models import Forecast, Job

__all__ = [
    "AsyncClient",
    "Client",
    "FieldError",
    "Forecast",
    "Job",
    "JobFailed",
    "LilacError",
    "Refused",
    "Unreachable",
]
