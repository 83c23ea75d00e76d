"""What can keep the embedded server from running. Each docstring is the message, filled with the facts."""

from typing import ClassVar


class ServerError(Exception):
    """The embedded PostgreSQL server cannot be used."""

    code: ClassVar[str] = "embedded_server"

    def __init__(self, **facts: object) -> None:
        super().__init__(" ".join((type(self).__doc__ or "").format(**facts).split()))


class BinariesMissing(ServerError):
    """No PostgreSQL programs (initdb, pg_ctl, postgres) were found in: {looked_in}.
    Install Debian's package postgresql, or set LOCKSTEP_DATABASE_URL to a server of your own."""

    code = "embedded_server_binaries_missing"


class AccountMissing(ServerError):
    """PostgreSQL refuses to run as root, and this system has none of the accounts {accounts} to run it as.
    Start Lockstep as a plain account, or set LOCKSTEP_DATABASE_URL to a server of your own."""

    code = "embedded_server_account_missing"


class DirectoryUnreachable(ServerError):
    """PostgreSQL refuses to run as root, and {account}, which it would run as, cannot reach {directory}.
    Choose a directory whose parents it may pass through, such as {suggestion}."""

    code = "embedded_server_directory_unreachable"


class DirectoryNotOurs(ServerError):
    """{directory} holds files, but not those of a Lockstep server.
    Choose an empty or a new directory; nothing was changed in this one."""

    code = "embedded_server_directory_not_ours"


class DirectoryOfAnother(ServerError):
    """{directory} belongs to the account number {owner}, where {wanted} was expected.
    Start Lockstep as the account that it was first started as, or choose another directory."""

    code = "embedded_server_directory_of_another"


class DataOfAnotherVersion(ServerError):
    """The data in {directory} was written by PostgreSQL {major}, of which no programs are in: {looked_in}.
    Install that version, or move the data with pg_upgrade."""

    code = "embedded_server_data_of_another_version"


class ServerDidNotStart(ServerError):
    """PostgreSQL did not start in {directory}. It said: {said}"""

    code = "embedded_server_did_not_start"


class ServerStaysBetween(ServerError):
    """PostgreSQL in {directory} has been neither up nor down for {seconds:.0f} seconds: it starts after a crash, or
    stops and waits for a program that is still connected. End what is connected to it, or wait, then start again."""

    code = "embedded_server_between"


class ServerDidNotStop(ServerError):
    """PostgreSQL did not stop in {directory}. It said: {said}"""

    code = "embedded_server_did_not_stop"
