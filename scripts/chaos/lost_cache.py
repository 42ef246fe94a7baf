"""A cache whose server is gone: every call fails as a lost Redis or Memcached makes it fail."""

from typing import Any, NoReturn

from django.core.cache.backends.base import BaseCache


class LostCache(BaseCache):
    """Use as CACHE_BACKEND."""

    def __init__(self, _server: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _lost(self, *_: Any, **__: Any) -> NoReturn:
        raise ConnectionRefusedError("the cache is gone")

    add = get = set = touch = delete = clear = incr = get_many = set_many = has_key = _lost
