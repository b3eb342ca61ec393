"""How fast a table is written that the service throttles. Start reading in governor.py."""
