"""Runs a broker in the foreground until SIGINT or SIGTERM, for people and for whoever starts it as a process."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from sandbox.kafka.broker import Broker, BrokerError


def serve(*, port: int | None = None, directory: Path | None = None) -> int:
    """Run a broker, say in one line where it is, and stop it in good order when asked to.

    Call it from the main thread: it takes SIGTERM while it runs. A second signal kills the broker instead.

    Args:
        port: Where clients connect; without one, a free port.
        directory: Holds the data and is kept; without one, a temporary directory that is removed at the end.

    Returns:
        The exit code: 0 when it was asked to stop, 1 when the broker did not start or ended by itself.
    """
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with Broker(directory, port) as broker:
            sys.stdout.write(f"Kafka answers on {broker.bootstrap}, data in {broker.directory}, log in {broker.log}\n")
            sys.stdout.flush()
            code = broker.wait()
        sys.stderr.write(f"The broker ended by itself with exit code {code}\n")
    except (BrokerError, OSError) as failure:
        sys.stderr.write(f"{failure}\n")
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
    return 1


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Treat SIGTERM as Ctrl-C."""
    raise KeyboardInterrupt
