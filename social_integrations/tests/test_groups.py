"""The groups of agents and managers: made once, never taken from anybody."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from social_integrations import migrations
from social_integrations.tests.factories import make_user

pytestmark = pytest.mark.django_db

FOLDER = Path(str(migrations.__file__)).parent
NAME = next(path.stem for path in FOLDER.glob("*_groups.py"))
groups: Any = import_module(f"social_integrations.migrations.{NAME}")
PAGE = Path(settings.BASE_DIR) / "docs" / "permissions.md"


class Editor:
    """As much of a schema editor as the migration looks at."""

    connection = connection


def make() -> None:
    groups.make_groups(apps, Editor)


def remove() -> None:
    groups.remove_groups(apps, Editor)


@pytest.fixture(autouse=True)
def none_yet(db: None) -> None:
    Group.objects.filter(name__in=groups.GROUPS).delete()


def held(name: str) -> set[str]:
    return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))


def test_both_groups_get_exactly_what_the_table_says() -> None:
    make()
    assert held("Instagram agents") == set(groups.AGENTS)
    assert held("Instagram managers") == set(groups.MANAGERS)


def test_every_permission_of_the_table_exists() -> None:
    known = Permission.objects.filter(content_type__app_label="social_integrations")
    assert set(groups.MANAGERS) <= set(known.values_list("codename", flat=True))
    assert len(set(groups.MANAGERS)) == len(groups.MANAGERS)


def test_again_it_changes_nothing() -> None:
    make()
    member = make_user()
    agents = Group.objects.get(name="Instagram agents")
    member.groups.add(agents)
    agents.permissions.remove(agents.permissions.get(codename="add_note"))
    make()
    assert held("Instagram agents") == set(groups.AGENTS) - {"add_note"}
    assert list(member.groups.all()) == [agents]


def test_a_group_of_the_same_name_is_the_hosts() -> None:
    Group.objects.create(name="Instagram managers")
    make()
    assert held("Instagram managers") == set()


def test_what_the_host_removed_can_be_removed_again() -> None:
    remove()
    make()
    Group.objects.get(name="Instagram agents").delete()
    remove()
    assert not Group.objects.filter(name__in=groups.GROUPS).exists()


def test_a_group_with_members_stays() -> None:
    make()
    make_user().groups.add(Group.objects.get(name="Instagram agents"))
    remove()
    assert list(Group.objects.filter(name__in=groups.GROUPS).values_list("name", flat=True)) == [
        "Instagram agents"
    ]


def test_permissions_are_made_where_there_are_none() -> None:
    """On a fresh database no permission exists before all migrations have run."""
    Permission.objects.filter(content_type__app_label="social_integrations").delete()
    state = MigrationExecutor(connection).loader.project_state([("social_integrations", NAME)])
    groups.make_groups(state.apps, Editor)
    assert held("Instagram managers") == set(groups.MANAGERS)


def test_the_documentation_prints_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for codename in groups.MANAGERS:
        agents = "yes" if codename in groups.AGENTS else "no"
        assert f"| `{codename}` | {agents} | yes |" in page
