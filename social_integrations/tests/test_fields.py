"""Tokens in the database: encrypted, replaceable keys, and never shown by accident."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.forms import model_to_dict, modelform_factory
from pytest_django import Settings

from social_integrations.exceptions import ConfigurationError, TokenDecryptionError
from social_integrations.fields import PREFIX, decrypt, encrypt
from social_integrations.models import ConnectedAccount
from social_integrations.selectors import without_tokens
from social_integrations.tests.factories import make_account

TOKEN = "EAABmarker-token-of-the-page"
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


def stored() -> list[str]:
    """What really stands in the column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM social_integrations_connectedaccount")
        return [row[0] for row in cursor.fetchall()]


def store_raw(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE social_integrations_connectedaccount SET access_token = %s", [value])


class TestEncryption:
    @pytest.mark.parametrize("plain", [TOKEN, "short", "გასაღები 🔑", "t" * 10_000, PREFIX + "odd"])
    def test_what_was_encrypted_comes_back(self, plain: str) -> None:
        secret = encrypt(plain)
        assert secret.startswith("enc1:")
        assert plain not in secret
        assert decrypt(secret) == plain

    def test_equal_tokens_do_not_look_equal(self) -> None:
        assert encrypt(TOKEN) != encrypt(TOKEN)

    def test_the_first_key_encrypts_and_all_decrypt(self, settings: Settings) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [OLD]
        before = encrypt(TOKEN)
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [NEW, OLD]
        after = encrypt(TOKEN)
        assert decrypt(before) == decrypt(after) == TOKEN
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [NEW]
        assert decrypt(after) == TOKEN
        with pytest.raises(TokenDecryptionError):
            decrypt(before)

    @pytest.mark.parametrize("damage", ["", "x", "enc1", "enc2:", "enc1:x", "enc2:x", TOKEN])
    def test_what_is_not_a_ciphertext_is_refused_and_not_repeated(self, damage: str) -> None:
        with pytest.raises(TokenDecryptionError) as caught:
            decrypt(damage)
        assert TOKEN not in str(caught.value)

    def test_a_changed_ciphertext_is_refused(self) -> None:
        secret = encrypt(TOKEN)
        middle = len(secret) // 2
        changed = secret[:middle] + ("A" if secret[middle] != "A" else "B") + secret[middle + 1 :]
        with pytest.raises(TokenDecryptionError):
            decrypt(changed)

    def test_a_wrong_key_is_told_with_the_setting_and_without_the_ciphertext(
        self, settings: Settings
    ) -> None:
        secret = encrypt(TOKEN)
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [OLD]
        with pytest.raises(TokenDecryptionError, match="INSTAGRAM_TOKEN_ENCRYPTION_KEYS") as caught:
            decrypt(secret)
        assert secret not in str(caught.value)
        assert OLD not in str(caught.value)

    @pytest.mark.parametrize(
        "keys", [[], "", None, ["short"], [NEW, "short"], ["é" * 44], ["x" * 44]]
    )
    def test_without_a_usable_key_nothing_is_encrypted(self, settings: Settings, keys: Any) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = keys
        with pytest.raises(ConfigurationError, match="make_encryption_key") as caught:
            encrypt(TOKEN)
        assert isinstance(caught.value, ImproperlyConfigured)
        assert not any(key in str(caught.value) for key in keys or [])


@pytest.mark.django_db
class TestColumn:
    def test_the_database_holds_no_plain_token(self) -> None:
        account = make_account(access_token=TOKEN)
        [value] = stored()
        assert value.startswith("enc2:")
        assert TOKEN not in value
        account.refresh_from_db()
        assert account.access_token == TOKEN

    @pytest.mark.parametrize("write", ["save", "update", "bulk_create", "bulk_update"])
    def test_whichever_way_it_is_written(self, write: str) -> None:
        account = make_account(access_token="before")
        account.access_token = TOKEN
        accounts = ConnectedAccount.objects
        if write == "save":
            account.save(update_fields=["access_token"])
        elif write == "update":
            accounts.update(access_token=TOKEN)
        elif write == "bulk_update":
            accounts.bulk_update([account], ["access_token"])
        else:
            account.delete()
            accounts.bulk_create([account])
        bound = write in ("save", "bulk_create")  # update() knows no row
        assert stored()[0].startswith("enc2:" if bound else "enc1:")
        assert accounts.values_list("access_token", flat=True).get() == TOKEN

    def test_no_token_stays_no_token(self) -> None:
        account = make_account(access_token="")
        assert stored() == [""]
        account.refresh_from_db()
        assert account.access_token == ""

    def test_a_plain_token_in_the_column_is_refused(self) -> None:
        make_account()
        store_raw(TOKEN)
        with pytest.raises(TokenDecryptionError, match="not encrypted") as caught:
            ConnectedAccount.objects.get()
        assert TOKEN not in str(caught.value)

    @pytest.mark.parametrize("read", ["get", "values", "values_list"])
    def test_with_the_wrong_key_it_is_an_error_never_the_ciphertext(
        self, settings: Settings, read: str
    ) -> None:
        make_account()
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [OLD]
        with pytest.raises(TokenDecryptionError):
            list(getattr(ConnectedAccount.objects, read.replace("get", "all"))())

    def test_a_lost_key_breaks_no_list_of_accounts(self, settings: Settings) -> None:
        make_account(username="shop")
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [OLD]
        assert [str(account) for account in without_tokens(ConnectedAccount.objects.all())] == [
            "@shop"
        ]

    def test_connecting_again_replaces_an_unreadable_token(self, settings: Settings) -> None:
        account = make_account()
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [OLD]
        ConnectedAccount.objects.filter(pk=account.pk).update(access_token=TOKEN)
        assert ConnectedAccount.objects.get().access_token == TOKEN

    def test_saving_again_moves_a_token_to_the_new_key(self, settings: Settings) -> None:
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [OLD]
        make_account(access_token=TOKEN)
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [NEW, OLD]
        ConnectedAccount.objects.get().save(update_fields=["access_token"])
        settings.INSTAGRAM_TOKEN_ENCRYPTION_KEYS = [NEW]
        assert ConnectedAccount.objects.get().access_token == TOKEN

    @pytest.mark.parametrize(
        "lookup", ["exact", "iexact", "in", "contains", "startswith", "gt", "regex", "range"]
    )
    def test_tokens_cannot_be_searched(self, lookup: str) -> None:
        value = [TOKEN, TOKEN] if lookup in ("in", "range") else TOKEN
        with pytest.raises(FieldError):
            ConnectedAccount.objects.filter(**{f"access_token__{lookup}": value})

    def test_whether_there_is_one_can_be_asked(self) -> None:
        make_account()
        assert ConnectedAccount.objects.filter(access_token__isnull=False).count() == 1


@pytest.mark.django_db
class TestShown:
    def test_forms_and_model_to_dict_leave_it_out(self) -> None:
        account = make_account(access_token=TOKEN)
        assert TOKEN not in str(model_to_dict(account))
        form = modelform_factory(ConnectedAccount, fields="__all__")(instance=account)
        assert TOKEN not in form.as_p()

    def test_a_dump_holds_the_ciphertext_and_can_be_loaded(self, tmp_path: Path) -> None:
        make_account(access_token=TOKEN)
        out = StringIO()
        call_command("dumpdata", "social_integrations", stdout=out)
        assert TOKEN not in out.getvalue()
        dump = tmp_path / "dump.json"
        dump.write_text(out.getvalue())
        ConnectedAccount.objects.all().delete()
        call_command("loaddata", dump, verbosity=0)
        assert ConnectedAccount.objects.get().access_token == TOKEN
        assert stored()[0].startswith("enc2:")

    def test_neither_repr_nor_str_shows_it(self) -> None:
        for account in (make_account(access_token=TOKEN), make_account(username="")):
            assert account.access_token not in repr(account) + str(account) + f"{[account]}"
            assert "token" not in repr(account)
