"""What the platform says of itself: session limits, and whether a user may do something to a resource."""

from collections.abc import Mapping

from sandbox.qad.installation import Installation
from sandbox.qad.wire.envelopes import Answer, Envelopes, encode
from sandbox.qad.world import User

_ACTIONS = frozenset({"READ", "WRITE", "CREATE", "IMPORT"})


class PlatformEndpoint:
    """Answers about the platform."""

    def __init__(self, installation: Installation, envelopes: Envelopes) -> None:
        self._installation = installation
        self._envelopes = envelopes

    def security(self) -> Answer:
        """Answer the session limits of every client."""
        session = self._installation.settings.session
        controls = [
            {
                "clientId": client.client_id,
                "sessionLength": session.session_length_minutes,
                "timeoutMinutes": session.idle_minutes,
            }
            for client in self._installation.world.clients
        ]
        return Answer(200, encode({"data": {"securityControls": controls}}))

    def permission(self, user: User, query: Mapping[str, str]) -> Answer:
        """Answer whether a user may do an action to the resource of a urn."""
        uri, action = query.get("uri", ""), query.get("action", "")
        resource = next((one for one in self._installation.dialect.resources if one.view_uri == uri), None)
        if resource is None or action not in _ACTIONS:
            return self._envelopes.gateway(400, "The resource or the action is not known.", field="uri")
        is_denied = bool({"*", resource.kind} & set(user.denied))
        return Answer(200, encode({"data": {"hasPermission": action == "READ" or not is_denied}}))
