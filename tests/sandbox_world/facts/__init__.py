"""What each declared case must be, by Zuora's own books, Zuora's chronicle, and QAD's."""
