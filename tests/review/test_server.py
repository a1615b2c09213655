"""How the page's server listens."""

from __future__ import annotations

import socket

from review.server import _bound
from review.settings import ReviewSettings


def test_answers_do_not_wait_for_the_browser_to_acknowledge_their_beginning() -> None:
    with _bound(ReviewSettings(port=0)) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
