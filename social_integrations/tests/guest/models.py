"""People with keys that are no numbers, and without user names."""

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models


class People(BaseUserManager[Any]):
    def create_user(self, email: str, password: str, **values: Any) -> Any:
        person = self.model(email=email, **values)
        person.set_password(password)
        person.save()
        return person


class Person(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid4)
    username = None  # type: ignore[assignment]
    email = models.EmailField(unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = People()  # type: ignore[assignment]
