"""Indexes for the inbox: its filters on every database, its search on PostgreSQL.

Both search indexes are made of expressions over the rows themselves: no column holds a second copy
of a text. The one over people needs the extension pg_trgm, which any owner of a database may
install; where it is missing, people are found by reading them all.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import DatabaseError, migrations, models, transaction


TEXTS = """
CREATE INDEX social_integrations_message_words ON social_integrations_message
USING gin (to_tsvector('simple'::regconfig, left(text, 4000)))
"""
PEOPLE = """
CREATE INDEX social_integrations_contact_known_by ON social_integrations_contact USING gin (
    lower(username || chr(10) || name || chr(10) || igsid || chr(10) || crm_reference) {operators}
)
"""
# Where the extension lives is the database's affair: its schema need not be on the search path.
OPERATORS = """
SELECT quote_ident(space.nspname) || '.gin_trgm_ops' FROM pg_extension
JOIN pg_namespace space ON space.oid = extnamespace WHERE extname = 'pg_trgm'
"""


def add_search(_apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    schema_editor.execute(TEXTS)
    try:
        with transaction.atomic(using=connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        return
    with connection.cursor() as cursor:
        cursor.execute(OPERATORS)
        (operators,) = cursor.fetchone()
    schema_editor.execute(PEOPLE.format(operators=operators))


def remove_search(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS social_integrations_contact_known_by")
        schema_editor.execute("DROP INDEX IF EXISTS social_integrations_message_words")


class Migration(migrations.Migration):
    dependencies = [
        ("social_integrations", "0003_answer"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="conversation",
            name="assigned_to",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                fields=["status", "-last_message_at", "-id"], name="conversation_by_status"
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                fields=["assigned_to", "-last_message_at", "-id"], name="conversation_by_assignee"
            ),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                condition=models.Q(
                    models.Q(("last_inbound_at__isnull", False), ("staff_read_at__isnull", True)),
                    ("last_inbound_at__gt", models.F("staff_read_at")),
                    _connector="OR",
                ),
                fields=["-last_message_at", "-id"],
                name="conversation_unread",
            ),
        ),
        migrations.RunPython(add_search, remove_search),
    ]
