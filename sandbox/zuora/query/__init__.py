"""Object Query without HTTP: what it knows of the objects, how a query is read, answered and written."""
