"""A stand-in for QAD Adaptive ERP Financials that keeps real books.

`books` is the ERP itself: pure, in memory, Decimal. `wire` speaks a dialect of its REST surface, `faults` spoils
the conversation on request, `control` shows and moves what a judge or a rehearsal needs. It shares no code with the
product: its books are the witness.
"""
