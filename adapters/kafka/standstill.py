"""A worker beside the stages that stands still says so once, with the reason, and once more when it goes on."""

from structlog.typing import FilteringBoundLogger

from schemas.errors import ConnectorError


class Standstill:
    """Whether one lane's work stands still."""

    def __init__(self, log: FilteringBoundLogger, *, stands_still: str, goes_on: str) -> None:
        """Say these two sentences in this log; whole ones, since people look for what the runbook quotes."""
        self._log = log
        self._stands_still = stands_still
        self._goes_on = goes_on
        self._still = False

    def begins(self, error: ConnectorError) -> None:
        """Say that it stands still and why, if that was not said yet."""
        if not self._still:
            self._still = True
            self._log.error(self._stands_still, reason=str(error))

    def ends(self) -> None:
        """Say that it goes on, if it stood still."""
        if self._still:
            self._still = False
            self._log.info(self._goes_on)
