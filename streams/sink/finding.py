"""Whether a document found in QAD is the one that was meant: by its control columns, never by reference alone."""

from schemas.errors import Conflict
from schemas.money import ZERO
from schemas.outcomes import Intended
from streams.ports import FoundInQad


def check_control(found: FoundInQad, intent: Intended) -> None:
    """Hold that customer, currency, total, tax and date are what was intended, as far as the browse shows them.

    Raises:
        Conflict: A column differs: another document carries our reference, or somebody changed ours.
    """
    document = found.document
    pairs = (
        ("customer", intent.customer, document.customer),
        ("currency", intent.currency, document.currency),
        ("total", intent.total, document.total),
        ("date", intent.day, found.day),
        # Where none was sent QAD must not have reckoned any.
        ("tax", intent.tax or ZERO, found.tax),
    )
    differing = [(name, meant, there) for name, meant, there in pairs if there not in ("", None) and there != meant]
    if differing:
        raise Conflict(
            f"{intent.number}: found in QAD with other content",
            expected=", ".join(f"{name}={meant}" for name, meant, _ in differing),
            actual=", ".join(f"{name}={there}" for name, _, there in differing),
        )
