"""Two groups a host may use: agents who answer, and managers who look after the rest.

Written by hand. Django makes permissions only after all migrations have run, so they are made here
first. What exists stays: members, and permissions a host added or took away later.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations

AGENTS = (
    "view_connectedaccount",
    "view_conversation",
    "change_conversation",
    "view_contact",
    "view_message",
    "add_message",
    "view_note",
    "add_note",
    "view_cannedreply",
)
MANAGERS = (
    *AGENTS,
    "add_connectedaccount",
    "change_connectedaccount",
    "change_contact",
    "add_cannedreply",
    "change_cannedreply",
    "delete_cannedreply",
    "view_messengerprofile",
    "add_messengerprofile",
    "change_messengerprofile",
    "delete_messengerprofile",
    "view_awaymessage",
    "add_awaymessage",
    "change_awaymessage",
    "delete_awaymessage",
    "view_privatereply",
    "view_upload",
    "view_webhookevent",
    "change_webhookevent",
    "view_job",
    "change_job",
    "view_reconciliation",
    "view_deletionrequest",
    "change_deletionrequest",
)
GROUPS = {"Instagram agents": AGENTS, "Instagram managers": MANAGERS}
APP = "social_integrations"


def make_groups(apps: Any, schema_editor: Any) -> None:
    """Make the groups where they are missing; one that exists is left as it is."""
    alias = schema_editor.connection.alias
    config = apps.get_app_config(APP)
    # A state's app has no models module; without one, no permissions are made.
    config.models_module = getattr(config, "models_module", None) or True
    create_permissions(config, apps=apps, verbosity=0, using=alias)
    group_model = apps.get_model("auth", "Group")
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    for name, codenames in GROUPS.items():
        group, is_new = group_model.objects.using(alias).get_or_create(name=name)
        if is_new:
            found = permissions.filter(content_type__app_label=APP, codename__in=codenames)
            group.permissions.set(found)


def remove_groups(apps: Any, schema_editor: Any) -> None:
    """Remove the groups nobody is in."""
    alias = schema_editor.connection.alias
    groups = apps.get_model("auth", "Group").objects.using(alias).filter(name__in=GROUPS)
    user = apps.get_model(settings.AUTH_USER_MODEL)
    if any(field.name == "groups" for field in user._meta.get_fields()):
        people = user._base_manager.using(alias).filter(groups__name__in=GROUPS)
        groups = groups.exclude(pk__in=list(people.values_list("groups", flat=True)))
    groups.delete()


class Migration(migrations.Migration):
    dependencies = [
        ("social_integrations", "0004_search_index"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, remove_groups)]
