"""How people use it: the command line, the supervisor, the one composition root, reconciliation, web pages."""
