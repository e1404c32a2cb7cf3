"""The mark of a test that says what should be and is not yet: strict, so that whoever mends it must take the mark off."""

import pytest


def defect(what: str, *, raises: type[BaseException] | tuple[type[BaseException], ...] = AssertionError):
    """Return the mark.

    Args:
        what: File, function, and what is wrong there.
        raises: How the test fails today; any other failure is a failure.
    """
    return pytest.mark.xfail(strict=True, raises=raises, reason=what)
