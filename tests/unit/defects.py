"""How a test says that the product is not yet as the specification has it.

The test stands as it should be; it must fail for the reason that is named, and for no other, until the product is
mended: then it passes, which is an error until the mark is taken away.
"""

import pytest


def defect(reason: str, *, raises: type[BaseException] = AssertionError) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, raises=raises, reason=reason)
