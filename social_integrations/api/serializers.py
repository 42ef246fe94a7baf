"""Input and output shapes of the API."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer, TokenRefreshSerializer

from social_integrations.models import ConnectedAccount, Reconciliation
from social_integrations.selectors import account_problems

from .tokens import RefreshToken, user_of


class TokenObtainSerializer(TokenObtainPairSerializer):
    """User name and password for a pair of tokens."""

    token_class = RefreshToken

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[self.username_field] = serializers.CharField(write_only=True, max_length=512)
        # A password is taken as typed, blanks at its ends included.
        self.fields["password"] = serializers.CharField(
            write_only=True, max_length=4096, trim_whitespace=False
        )


class TokenRotateSerializer(TokenRefreshSerializer):
    """A refresh token for the next pair; each works once."""

    token_class = RefreshToken

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Use up the token and return its successors."""
        refresh = self.token_class(attrs["refresh"])
        user = user_of(refresh.payload)
        refresh.use_up()
        successor = self.token_class.for_user(user)
        return {"access": str(successor.access_token), "refresh": str(successor)}


class AccountSerializer(serializers.ModelSerializer[ConnectedAccount]):
    """An account in the connection status; its first six keys are the CRM frontend's own."""

    account_name = serializers.CharField(source="name")
    is_active = serializers.BooleanField()
    webhook_subscribed = serializers.SerializerMethodField()
    problems = serializers.SerializerMethodField()

    class Meta:
        model = ConnectedAccount
        fields = (
            "id",
            "instagram_account_id",
            "username",
            "account_name",
            "is_active",
            "connected_at",
            "status",
            "login",
            "profile_picture_url",
            "token_expires_at",
            "webhook_subscribed",
            "last_event_at",
            "problems",
        )
        read_only_fields = fields

    def get_webhook_subscribed(self, account: ConnectedAccount) -> bool:
        """Say whether Meta was asked to deliver, successfully."""
        return account.webhook_subscribed_at is not None

    def get_problems(self, account: ConnectedAccount) -> list[dict[str, str]]:
        """List what is wrong, worst first."""
        return [asdict(problem) for problem in account_problems(account)]


class AccountDetailSerializer(AccountSerializer):
    """An account by itself: the status's keys, what was granted, and the linked Page."""

    page = serializers.SerializerMethodField()

    class Meta(AccountSerializer.Meta):
        fields = (*AccountSerializer.Meta.fields, "granted_scopes", "page")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    def get_page(self, account: ConnectedAccount) -> dict[str, str] | None:
        """Name the Facebook Page; there is none with Instagram Login."""
        return {"id": account.page_id, "name": account.page_name} if account.page_id else None


class ReconciliationSerializer(serializers.ModelSerializer[Reconciliation]):
    """A run with its counts."""

    class Meta:
        model = Reconciliation
        fields = (
            "id",
            "account",
            "reason",
            "state",
            "conversations",
            "messages",
            "imported",
            "unreadable",
            "error",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields
