"""When the trouble happens."""

from datetime import date

CHAPTER = "trouble"
DAY = date(2026, 11, 19)
LATER = date(2026, 11, 20)
