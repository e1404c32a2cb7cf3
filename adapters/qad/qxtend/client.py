"""Speaks SOAP with one QXtend: who is logged in stays in here, and so does every message."""

from types import TracebackType
from typing import Self

from yarl import URL

from adapters.qad.asking.client import Reply
from adapters.qad.asking.sending import sending, session_that_checks_age, whole_body
from adapters.qad.asking.token import retry_after_s
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.qxtend import QDocument, Qxtend
from adapters.qad.qxtend.messages import Action, Login, write_message
from adapters.qad.words import InWords
from adapters.reach import PUBLIC, Reach

# SOAP 1.1 wants it there; QXtend wants it empty (reference 1.5).
_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}


class QxtendClient:
    """One QXtend, for one process and connection."""

    def __init__(self, profile: Profile, qxtend: Qxtend, login: Login, reach: Reach = PUBLIC) -> None:
        """Set up; call inside the running loop, use as an async context manager.

        Raises:
            Misconfigured: The host may not be connected to.
        """
        self._profile = profile
        self._qxtend = qxtend
        self._login = login
        # Never more than QXtend has agents for.
        self._session = session_that_checks_age(
            qxtend.url, reach, timeout_s=qxtend.timeout_s, connections=qxtend.concurrency
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(self, words: InWords, document: QDocument, *, action: Action, not_after: float) -> Reply:
        """Send one document.

        Args:
            words: Of the command.
            document: How its kind is made.
            action: For good, or to be looked at only.
            not_after: Boot-time clock after which no byte may be sent.

        Raises:
            Rejected: It cannot be written; nothing was sent.
            NotSent: No byte was sent.
            OutcomeUnknown: It was sent and no answer came.
        """
        body = write_message(
            words, profile=self._profile, qxtend=self._qxtend, document=document, action=action, login=self._login
        )
        async with sending(self._session, URL(self._qxtend.url), body, _HEADERS, not_after=not_after) as answer:
            return Reply(answer.status, await whole_body(answer), retry_after_s(answer))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent and must not be told."""
        return (self._login.username.reveal(), self._login.password.reveal())
