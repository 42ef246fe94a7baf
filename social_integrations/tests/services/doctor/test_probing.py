"""Our own address is called as Meta calls it: no redirect, the certificate checked, bounded."""

import ssl
from pathlib import Path

import pytest

from social_integrations.services.doctor import probing
from social_integrations.services.doctor.probing import probe
from social_integrations.tests.media.servers import serve
