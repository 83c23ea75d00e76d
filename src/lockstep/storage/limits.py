"""What storage cannot do without, said apart from it: settings are checked where no database is opened."""

from __future__ import annotations

LEAST_CONNECTIONS = 2
"""One within workspaces and one across them: whoever holds the latter may want the former, as at the first start."""
