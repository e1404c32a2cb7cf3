"""Before a connection goes live: its QAD is asked, rehearsed, and the list of what a site must confirm is walked."""
