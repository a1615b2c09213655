"""Requests that are not answered as asked: one error, and what becomes of it."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from ledger.errors import LedgerError
from ledger.review.types import AnswerError
from review.rendering import page


class Refusal(Exception):  # noqa: N818  # says what the server did
    """A request that is refused. ``problem`` is for programs, ``text`` for people, ``more`` goes into the answer."""

    def __init__(self, status: int, problem: str, text: str, **more: object):
        super().__init__(text)
        self.status = status
        self.problem = problem
        self.text = text
        self.more = more


def add_refusals(app: FastAPI) -> None:
    """Answer all that is refused in one way: JSON for the script, a page for people."""
    for kind in (Refusal, AnswerError, LedgerError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _refused)


def _refused(request: Request, error: Exception) -> Response:
    refusal = _refusal(error)
    if request.url.path.startswith("/api/"):
        said = {"problem": refusal.problem, "text": refusal.text, **refusal.more}
        return JSONResponse(said, refusal.status)
    if refusal.status == 401:
        return RedirectResponse(request.url_for("sign_in_page").include_query_params(to=_path(request)), 303)
    return page(request, "refusal.html.jinja", {"text": refusal.text}, refusal.status)


def _refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case AnswerError():
            return Refusal(409, "refused", _sentence(error))
        case LedgerError():  # busy, full or out of reach: the script keeps what it has and sends it again
            return Refusal(503, "ledger", _sentence(error))
        case HTTPException():
            return _http(error)
    return Refusal(422, "invalid", "The request is not one that this page makes.")


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _http(error: HTTPException) -> Refusal:
    text = "There is no such page." if error.status_code == 404 else f"{error.detail}."
    return Refusal(error.status_code, "http", text)


def _path(request: Request) -> str:
    """Where to go after signing in: the page that was asked for."""
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
