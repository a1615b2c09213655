"""What every request passes before anything looks at it, and what every answer carries."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review.settings import ReviewSettings, SignIn

MAX_BODY_BYTES = 1_000_000
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
# Nothing may come from elsewhere, nothing inline may run, nobody may frame the page. Crops are data: pictures.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class SecurityHeaders:
    """Adds the headers that tell a browser what the page may do; what people wrote is never stored by a cache."""

    def __init__(self, app: ASGIApp, *, https: bool):
        self.app = app
        self._headers = _HEADERS | ({"Strict-Transport-Security": "max-age=31536000"} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class RequestGuard:
    """Refuses requests by a name that is not the page's own, through a proxy that nobody named, or too large.

    A page elsewhere can point its own name at 127.0.0.1 and then talk to this server as if it were its own (DNS
    rebinding); only the Host header shows it. And a reverse proxy on this machine would make a page that asks for no
    password look as if everybody sat here.
    """

    def __init__(self, app: ASGIApp, *, settings: ReviewSettings):
        self.app = app
        self._names = _names(settings)
        self._open = settings.sign_in is SignIn.NAME

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            status, text = refusal
            await PlainTextResponse(f"{text}\n", status)(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        if self._names and host_name(headers.get("host", "")) not in self._names:
            return 421, "This server is not known by that name; say formdigits review --public-name NAME."
        if self._open and any(name in headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")):
            return (
                403,
                "This came through a proxy, and nobody signs in; say formdigits review --login or --user-header.",
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES or "transfer-encoding" in headers:
            return 413, f"A request has a stated length of at most {MAX_BODY_BYTES} bytes."
        return None


def _names(settings: ReviewSettings) -> Collection[str]:
    """The names that are answered to; none: any, for then people sign in, and cookies belong to a name."""
    public = {name.lower() for name in settings.public_names}
    return public | {*LOOPBACK_NAMES} if public or settings.on_loopback else ()


def host_name(host: str) -> str:
    """The name in a Host header, without its port, in small letters."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()
