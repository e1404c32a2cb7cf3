"""A sink for sites without an API: documents as CSV files in a directory that the site's import takes them from."""
