"""The largest files Meta takes pass the server as it is shipped."""

import pytest
import requests

from .conftest import Demo, eventually

pytestmark = pytest.mark.demo

MEGABYTE = 1024 * 1024
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def upload(demo: Demo, size: int) -> requests.Response:
    account = demo.status()["accounts"][0]["id"]
    return requests.post(
        f"{demo.api}/accounts/{account}/uploads/",
        headers={"Authorization": f"Bearer {demo.access_token()}"},
        files={"file": ("boots.mp4", MP4.ljust(size, b"\0"), "video/mp4")},
        timeout=30,
    )


def test_a_video_as_large_as_meta_takes_is_kept_and_a_larger_one_refused_in_words(
    demo: Demo,
) -> None:
    demo.connect(demo.staff())
    eventually(lambda: demo.status()["accounts"])
    assert upload(demo, 25 * MEGABYTE).status_code == 201
    refused = upload(demo, 25 * MEGABYTE + 1)
    assert refused.status_code == 422
    assert "25 MB" in refused.json()["error"]["message"]
