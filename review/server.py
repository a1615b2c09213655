"""The review page on a socket."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from ledger.ledger import Ledger
from ledger.review.types import ReviewPolicy
from review.app import create_app
from review.settings import ReviewError, ReviewSettings


def serve(
    ledger: Ledger,
    settings: ReviewSettings,
    tell: Callable[[str], None],
    policy: ReviewPolicy,
    answered: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal asks to stop; requests under way are answered first.

    Args:
        ledger: what is reviewed.
        settings: where and for whom; port 0 is any free one.
        tell: hears the page's address once it can be opened, and a warning where nothing is encrypted.
        policy: how fields are given out.
        answered: hears of each change, from any thread.

    Raises:
        ReviewError: the settings are not safe, or the address cannot be had.
    """
    app = create_app(ledger, settings, policy, answered)
    with _bound(settings) as listening, _ended_by_signal():
        tell(f"Review on {_address(settings, listening)} (Ctrl+C ends it)")
        if settings.in_clear:
            tell("Not encrypted: passwords can be read on their way. Use --certificate, or --https behind a proxy.")
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,  # addresses name what people look at
            server_header=False,
            proxy_headers=False,  # a peer's address is what it is, or a header could pass for a trusted proxy
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.private_key,
            timeout_graceful_shutdown=5,
        )
        uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Uvicorn raises the signal at which it stopped again when it is done: by then there is nothing left to stop."""
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bound(settings: ReviewSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((settings.host, settings.port), family=family)
        # What is accepted inherits it. asyncio sets it on sockets that it made itself only, and without it the end of
        # each answer waits some 40 ms for the browser to acknowledge its beginning.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        place = f"{settings.host}, port {settings.port},"
        raise ReviewError(f"{place} cannot be had ({error.strerror})", "choose another --host or --port") from error


def _address(settings: ReviewSettings, listening: socket.socket) -> str:
    scheme = "https" if settings.certificate else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listening.getsockname()[1]}/"
