"""How far tests reach: the servers that they begin are on this machine, which a site would have to list."""

from adapters.reach import Reach

LOOPBACK = Reach(private_hosts=("127.0.0.1", "localhost"))
