"""Helpers of tests of being signed in to QAD, in whatever dialect."""

import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.auth import Auth
from adapters.qad.profiles.profile import Profile
from tests.adapters.strange import Told
from tests.loopback import LOOPBACK

WORD, TOKEN, BODY = "canary-qad-word-4e", "canary-qad-token-b1", "canary-qad-body-90"
GRANTED = Told(b'{"access_token": "%s", "expires_in": 3600}' % TOKEN.encode())


async def read(qad, client):
    """Ask for something; return the status."""
    said = client.browsing
    asked = {
        said.browse_id: qad.server.installation.dialect.browse_of("periods").browse_id,
        said.page: str(said.first_page),
        said.page_size: "1",
        said.page_action: "first",
    }
    return (await client.get(said.path, [(name, value) for name, value in asked.items() if name])).status


def auth(qad, **changes):
    """Return how a token is had in the company's dialect, with changes."""
    said = qad.profile().auth
    return Auth(**{"path": said.path, "limits_path": said.limits_path, **changes})


def logins(qad):
    return len(qad.requests("token"))


@pytest.fixture
async def speaker(strange):
    profile = Profile(base_url=f"{strange.url}/erp/", workspace="D_E", entity="E", documents={}, browses={})
    credentials = Credentials(client_id=Secret("ml"), username=Secret("user"), password=Secret(WORD))
    async with QadClient(profile, credentials, LOOPBACK) as client:
        yield client


class Clock:
    """The token's clock, moved by hand."""

    def __init__(self):
        self.now = 10_000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clocked(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("adapters.qad.asking.token.time", clock)
    return clock
