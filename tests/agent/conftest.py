"""Hook tools as their callers see them: both clients, and a server behind a real socket."""

from tests.support.tool_clients import client, clients, contexts, folder, server

__all__ = ["client", "clients", "contexts", "folder", "server"]
