"""A TCP proxy that does to connections what networks do: late, slow, sliced, silent, cut, reset, a reply lost."""
