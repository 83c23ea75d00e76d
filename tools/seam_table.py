"""Writes the table of paths in docs/seam.md: every path of Seam's contract that concerns locks, built or not.

`python tools/seam_table.py` writes it, `--check` says whether it is as it should be."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from lockstep.http.seam.app import PATHS
from lockstep.http.seam.catalogue import known_paths

PAGE = Path(__file__).parents[1] / "docs" / "seam.md"
BEGIN, END = "<!-- the table begins -->\n", "<!-- the table ends -->\n"

DIFFERS = {
    "/access_codes/create": "no offline and no one-time codes; `action_attempt` says that it was declared, `status` "
    "whether it stands on the lock; `prefer_native_scheduling` and `attempt_for_offline_device` change nothing: a code "
    "goes to its lock as soon as that lock can hold it; a length that it does not take becomes the next longer",
    "/access_codes/create_multiple": "a PUT that is repeated within ten minutes leads to the same codes",
    "/access_codes/update": "as above; codes of an access grant are changed with the grant",
    "/access_codes/delete": "readable as `removing` until it is proven gone, then 404; a backup code that was pulled "
    "in its place goes on until it is deleted itself, or its time ends",
    "/access_codes/list": "1,000 a page",
    "/access_codes/unmanaged/list": "1,000 a page",
    "/access_grants/create": "mode `code` alone",
    "/access_grants/request_access_methods": "mode `code` alone",
    "/access_methods/delete": "the grant ends with its only method",
    "/access_grants/unmanaged/list": "what doors of access systems hold",
    "/access_grants/unmanaged/get": "each credential that a door holds is one grant",
    "/acs/systems/list": "an account with doors is one system",
    "/client_sessions/create": "by POST with the key of a living session 400 (`get_or_create` gives it); by PUT, as "
    "the SDKs of today send it, that session",
    "/connected_accounts/delete": "codes stay on the locks, as at Seam; events say which of them may still open",
    "/customers/create_portal": "shows, and changes nothing, for a customer that is named; see [portals](webviews.md)",
    "/customers/push_data": "one place for a time is a booking, else a grant; keys are unique in a workspace",
    "/devices/report_provider_metadata": "nothing to keep: of vendors that are not here",
    "/events/list": "see [events](seam-events.md)",
    "/instant_keys/get": "a page with the code and an unlock button, instead of an app",
    "/spaces/create": "time zone `UTC` where none is told",
    "/spaces/update": "a space stays where it lies",
    "/user_identities/generate_instant_key": "a page with the code and an unlock button, instead of an app",
    "/webhooks/create": "see [webhooks](seam-events.md)",
    "/workspaces/create": "by a personal token",
    "/workspaces/update": "`is_suspended` is kept and told; nothing follows from it",
}


def table() -> str:
    """Of all paths, by namespace."""
    lines = ["| path | | |", "| --- | --- | --- |"]
    for _, members in groupby(sorted(known_paths()), key=lambda path: path.split("/")[1]):
        for path in members:
            state = "not built" if path not in PATHS else "differs" if path in DIFFERS else "built"
            lines.append(f"| `{path}` | {state} | {DIFFERS.get(path, '')} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    strange = DIFFERS.keys() - PATHS.keys()
    if strange:
        sys.exit(f"These are not built: {', '.join(sorted(strange))}.")
    page = PAGE.read_text("utf-8")
    before, rest = page.split(BEGIN)
    wanted = before + BEGIN + table() + END + rest.split(END)[1]
    if "--check" in sys.argv[1:]:
        if page != wanted:
            sys.exit("The table in docs/seam.md is out of date: run `python tools/seam_table.py`.")
        return
    PAGE.write_text(wanted, "utf-8")


if __name__ == "__main__":
    main()
