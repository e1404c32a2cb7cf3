"""How a posting is put together: ids, dates, accounts, openings. Nothing here decides that one is made."""
