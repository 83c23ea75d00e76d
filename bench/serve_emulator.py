"""Serves the virtual emulator on a free port of loopback: `python -m bench.serve_emulator MODEL LOCKS JSON`."""

from __future__ import annotations

import json
import socket
import sys

import uvicorn

from lockstep.kit.clock import SystemClock
from lockstep.vendors.virtual.emulator.app import create_app
from lockstep.vendors.virtual.emulator.world import create_world


def main() -> None:
    model, locks, features = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    world = create_world(SystemClock(), model, locks=locks, features=features)
    world.change_settings({"tokens": ["bench"]})
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(create_app(world), log_level="warning", access_log=False))
    server.run([listening])


if __name__ == "__main__":
    main()
