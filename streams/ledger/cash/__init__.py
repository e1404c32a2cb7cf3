"""Money in and back: payments, transferred and taken back, and refunds. Documents that bill have their own room."""
