"""The PostgreSQL server that comes with Lockstep. Knows no table and speaks no SQL."""

from lockstep.storage.server.cluster import make_passable
from lockstep.storage.server.errors import ServerError
from lockstep.storage.server.supervisor import EmbeddedServer, default_directory

__all__ = ["EmbeddedServer", "ServerError", "default_directory", "make_passable"]
