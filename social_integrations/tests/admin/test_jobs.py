"""The jobs pages: what was given up can be run again."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from social_integrations.models import Job
from social_integrations.tests.factories import NOON, make_job, make_staff, make_superuser

pytestmark = pytest.mark.django_db

LIST = "/admin/social_integrations/job/"


def run_again(client: Client, *jobs: Job) -> str:
    data = {"action": "run_again", "_selected_action": [job.pk for job in jobs]}
    return client.post(LIST, data, follow=True).text


def test_list_shows_state_and_first_line_of_the_error(client: Client) -> None:
    make_job(state="dead", error="GraphError: <b>no\nclient.py:3 get", payload={"contact": 1})
    client.force_login(make_superuser())
    page = client.get(LIST).text
    assert "Given up" in page
    assert "GraphError: &lt;b&gt;no" in page
    assert "client.py" not in page


@pytest.mark.parametrize("lookup", ["state__exact=dead", "name=refresh"])
def test_filters(client: Client, lookup: str) -> None:
    wanted = make_job(state="dead", name="refresh")
    make_job()
    client.force_login(make_superuser())
    found = client.get(f"{LIST}?{lookup}").context["cl"].queryset
    assert [row.pk for row in found] == [wanted.pk]


def test_page_lays_out_ids_and_error(client: Client) -> None:
    job = make_job(payload={"contact": 4711}, error="first <b>\nsecond")
    client.force_login(make_staff("view_job"))
    page = client.get(f"{LIST}{job.pk}/change/").text
    assert "4711" in page
    assert "first &lt;b&gt;\nsecond" in page


@pytest.mark.parametrize("state", ["dead", "done"])
def test_ended_jobs_run_again_and_it_is_logged(client: Client, state: str) -> None:
    job = make_job(state=state, attempts=8, finished_at=NOON)
    client.force_login(make_staff("change_job"))
    assert "1 job put back in line." in run_again(client, job)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.finished_at) == ("ready", 0, None)
    assert LogEntry.objects.get().object_repr == f"job {job.pk}"


@pytest.mark.parametrize("state", ["ready", "running"])
def test_living_jobs_are_left_alone(client: Client, state: str) -> None:
    job = make_job(state=state, attempts=2)
    client.force_login(make_staff("change_job"))
    assert "0 jobs put back in line. 1 left alone: not finished yet." in run_again(client, job)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (state, 2)
    assert not LogEntry.objects.exists()


def test_view_permission_does_not_run(client: Client) -> None:
    job = make_job(state="dead")
    client.force_login(make_staff("view_job"))
    run_again(client, job)
    job.refresh_from_db()
    assert job.state == "dead"
