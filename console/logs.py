"""Logs: one JSON object a line on standard error, quiet about what clients repeat, never a secret or a body.

Kafka's clients write ninety lines a second while a broker is away; each of their sentences is let through once in a
while, with how often it was held back.
"""

import logging
import sys
import time
from typing import Any

import structlog

# One sentence of a client library per so many seconds.
_REPEAT_EVERY_S = 30.0
_CLIENTS = ("aiokafka", "faust", "mode", "asyncio", "aiohttp")
# aiokafka's error of a producer that another one with its name has shut out.
_SHUT_OUT = "ProducerFenced"


class _OnceInAWhile(logging.Filter):
    """Lets each sentence of a client library through once in a while."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_CLIENTS):
            return True
        now = time.monotonic()
        # The template, not the filled sentence: a node's number must not make it another sentence.
        name = f"{record.name}:{record.msg}"[:200]
        last, held = self._last.get(name, (-_REPEAT_EVERY_S, 0))
        if now - last < _REPEAT_EVERY_S:
            self._last[name] = (last, held + 1)
            return False
        self._last[name] = (now, 0)
        if held:
            record.msg = f"{record.msg} (held back {held} times)"
        return True


def _is_news(record: logging.LogRecord) -> bool:
    """Whether it says anything: a producer that was shut out leaves futures that nobody reads; its lane says why."""
    kind = record.exc_info[0] if record.exc_info else None
    return not (record.name == "asyncio" and kind is not None and kind.__name__ == _SHUT_OUT)


def set_up_logs(level: str, **bound: Any) -> None:
    """Set up logging for a process.

    Args:
        level: Least level that is written.
        bound: What every line says, e.g. the process's name.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_is_news)
    handler.addFilter(_OnceInAWhile())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CLIENTS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    structlog.contextvars.bind_contextvars(**bound)
