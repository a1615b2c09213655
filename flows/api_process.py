"""The process of the embedded Prefect API: ``python -m flows.api_process FD`` serves on an inherited listening socket.

It ends when its standard input does, that is, when the process that started it is gone, however that came about.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

import uvicorn


def main(descriptor: int) -> None:
    """Serve Prefect's API on the socket until stopped."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    app = "prefect.server.api.server:create_app"
    config = uvicorn.Config(app, factory=True, log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


def _stop_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))
