"""Put into the product's processes by the fault harness: SIGUSR1 blocks the event loop, as a call that hangs would.

Where the environment asks for it, the window before the first byte is watched as well.
"""

import os
import signal
import time
from typing import Any

BLOCK_S = float(os.environ.get("ML_CONNECTOR_TEST_BLOCK_S", "30"))


def block(_number: int, _frame: Any) -> None:
    """Hold the main thread; other threads go on."""
    time.sleep(BLOCK_S)


signal.signal(signal.SIGUSR1, block)

if "ML_CONNECTOR_TEST_WINDOW_TIMES" in os.environ:
    import window

    window.install()
