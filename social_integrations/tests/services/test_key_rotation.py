"""Replacing the encryption key: under load, in any state, and never a lost token."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Event as Flag
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from social_integrations.exceptions import TokenDecryptionError
from social_integrations.fields import bind, encrypt, is_current
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens
from social_integrations.services.key_rotation import encrypted_fields, rotate
from social_integrations.tests.factories import NOON, make_account, make_superuser

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
TABLE = "social_integrations_connectedaccount"


def raw() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT access_token FROM {TABLE} ORDER BY id")  # noqa: S608
        return [row[0] for row in cursor.fetchall()]


def write_raw(account: ConnectedAccount, value: str) -> None:
    with connection.cursor() as cursor:
        statement = f"UPDATE {TABLE} SET access_token = %s WHERE id = %s"  # noqa: S608
        cursor.execute(statement, [value, account.pk])


def run() -> str:
    out = StringIO()
    call_command("rotate_token_keys", stdout=out)
    return out.getvalue()


@pytest.fixture
def keys(settings: Settings) -> Any:
    settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [OLD]
    return lambda *new: setattr(settings, "INSTAGRAM_TOKEN_ENCRYPTION_KEYS", list(new))


def rotate_accounts() -> Any:
    [field] = [field for model, field in encrypted_fields() if model is ConnectedAccount]
    return rotate(ConnectedAccount, field)


@pytest.mark.django_db
class TestRotation:
    def test_afterwards_the_old_key_can_go(self, keys: Any) -> None:
        tokens = [make_account().access_token for _ in range(450)]  # three batches
        make_account(access_token="")
        keys(NEW, OLD)
        assert "ConnectedAccount.access_token: 450 encrypted anew, 0 current already" in run()
        keys(NEW)
        stored = ConnectedAccount.objects.order_by("id").values_list("access_token", flat=True)
        assert list(stored) == [*tokens, ""]
        assert "0 encrypted anew, 450 current already" in run()

    def test_an_unbound_token_is_bound(self, keys: Any) -> None:
        account = make_account()
        ConnectedAccount.objects.update(access_token="token")
        assert raw()[0].startswith("enc1:")
        assert rotate_accounts().rotated == 1
        assert raw()[0].startswith("enc2:")
        account.refresh_from_db()
        assert account.access_token == "token"

    def test_an_unreadable_token_is_counted_and_its_account_flagged(
        self, keys: Any, client: Client
    ) -> None:
        lost = make_account(username="lost")
        write_raw(lost, "enc2:" + Fernet(Fernet.generate_key()).encrypt(b"x").decode())
        fine = make_account()
        keys(NEW, OLD)
        words = run()
        assert "1 encrypted anew, 0 current already, 0 changed meanwhile, 1 unreadable" in words
        assert "connect the accounts again" in words
        states = dict(without_tokens(ConnectedAccount.objects.all()).values_list("pk", "status"))
        assert states == {lost.pk: "reauth_required", fine.pk: "connected"}
        client.force_login(make_superuser())
        page = client.get("/admin/social_integrations/connectedaccount/")
        assert page.status_code == 200
        assert "cannot be read with INSTAGRAM_TOKEN_ENCRYPTION_KEYS" in page.text

    def test_a_token_refreshed_meanwhile_stays(self, keys: Any) -> None:
        account = make_account()
        keys(NEW, OLD)

        fresh = bind("fresh", account.instagram_account_id)
        first = iter([True])

        def refresh_first(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith("UPDATE") and next(first, False):
                ConnectedAccount.objects.update(access_token=fresh)
            return execute(sql, *rest)

        with connection.execute_wrapper(refresh_first):
            counts = rotate_accounts()
        assert (counts.rotated, counts.changed) == (0, 1)
        account.refresh_from_db()
        assert account.access_token == "fresh"


@pytest.mark.django_db
class TestSwap:
    """T32: a ciphertext copied into another row is of no use there."""

    def test_another_rows_token_is_refused_wherever_a_row_is_read(self) -> None:
        mine, theirs = make_account(), make_account()
        write_raw(mine, raw()[1])
        for account in (
            ConnectedAccount.objects.get(pk=mine.pk),
            without_tokens(ConnectedAccount.objects.all()).get(pk=mine.pk),
        ):
            with pytest.raises(TokenDecryptionError, match="another account"):
                _ = account.access_token
        assert ConnectedAccount.objects.get(pk=theirs.pk).access_token == theirs.access_token

    def test_rotating_does_not_launder_it(self, keys: Any) -> None:
        mine, _theirs = make_account(), make_account()
        write_raw(mine, raw()[1])
        keys(NEW, OLD)
        counts = rotate_accounts()
        assert (counts.rotated, counts.unreadable) == (1, 1)
        stored = without_tokens(ConnectedAccount.objects.all()).get(pk=mine.pk)
        assert stored.status == "reauth_required"

    def test_is_current_tells_keys_apart(self, keys: Any) -> None:
        secret = encrypt("token")
        assert is_current(secret)
        keys(NEW, OLD)
        assert not is_current(secret)


@pytest.mark.django_db(transaction=True)
def test_a_thousand_tokens_while_others_read_and_write(keys: Any) -> None:
    """T33."""
    accounts = ConnectedAccount.objects.bulk_create(
        ConnectedAccount(
            instagram_account_id=f"1784140{number:010}",
            name=f"Shop {number}",
            access_token=f"token-{number}",
            connected_at=NOON,
        )
        for number in range(1000)
    )
    keys(NEW, OLD)
    done, faults, reads = Flag(), [], [0]

    def read_and_refresh(number: int) -> None:
        try:
            while not done.is_set():
                account = ConnectedAccount.objects.get(pk=accounts[reads[0] * 7 % 1000].pk)
                assert account.access_token.endswith(("fresh", account.name[5:]))
                if number:
                    fresh = bind("fresh", account.instagram_account_id)
                    ConnectedAccount.objects.filter(pk=account.pk).update(access_token=fresh)
                reads[0] += 1
        except Exception as error:  # noqa: BLE001 - shown below
            faults.append(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read_and_refresh, number) for number in range(2)]
        try:
            counts = rotate_accounts()
        finally:
            done.set()
        for reader in readers:
            reader.result()
    assert faults == []
    assert reads[0] > 0
    assert counts.unreadable == 0
    assert counts.rotated + counts.current + counts.changed == 1000
    keys(NEW)
    assert {bool(account.access_token) for account in ConnectedAccount.objects.all()} == {True}
