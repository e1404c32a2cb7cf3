"""Put into the product's processes by the fault harness: SIGUSR1 blocks the event loop, as a call that hangs would.

SIGUSR2 takes the memory that a process has left under its limit, and gives it back where there is none any more.
Where the environment asks for it, the window before the first byte is watched as well.
"""

import contextlib
import os
import resource
import signal
import time
from typing import Any

BLOCK_S = float(os.environ.get("ML_CONNECTOR_TEST_BLOCK_S", "30"))


def block(_number: int, _frame: Any) -> None:
    """Hold the main thread; other threads go on."""
    time.sleep(BLOCK_S)


_HOARDED: list[bytearray] = []
# Left to it: enough for small work, and for saying what is wrong.
_LITTLE_BYTES = 1024 * 1024


def hoard(_number: int, _frame: Any) -> None:
    """Take all memory that is free under the limit, but a little: what a process needed once it has left for long."""
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        _HOARDED.clear()
        return
    for size in (1 << 20, 1 << 16, 1 << 12):
        with contextlib.suppress(MemoryError):
            while True:
                _HOARDED.append(bytearray(size))
    left = 0
    while _HOARDED and left < _LITTLE_BYTES:
        left += len(_HOARDED.pop())


signal.signal(signal.SIGUSR1, block)
signal.signal(signal.SIGUSR2, hoard)

if "ML_CONNECTOR_TEST_WINDOW_TIMES" in os.environ:
    import window

    window.install()
