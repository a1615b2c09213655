"""The review page as a web application over an open ledger."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

from ledger.ledger import Ledger
from ledger.review.types import ReviewPolicy
from review.access import access_of
from review.api import api, changes
from review.context import Context
from review.counting import Counts
from review.form_library import FormLibrary
from review.guards import RequestGuard, SecurityHeaders
from review.pages import pages
from review.refusals import add_refusals
from review.rendering import STATIC, templates
from review.settings import ReviewSettings
from review.surroundings import Surroundings

SESSION_S = 12 * 3600  # a working day


def create_app(
    ledger: Ledger,
    settings: ReviewSettings,
    policy: ReviewPolicy | None = None,
    answered: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The application; the ledger stays the caller's to close. ``answered`` hears of each change, from any thread.

    Raises:
        ReviewError: the settings would let anybody in, or nobody.
    """
    users = ledger.users()
    settings.check(sum(not account.disabled for account in users.all()))
    app = FastAPI(
        title="Formdigits review",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=_middleware(settings, users.cookie_key()),
    )
    review, forms = ledger.review(policy), FormLibrary(settings.forms)
    app.state.context = Context(
        review=review,
        counts=Counts(review),
        forms=forms,
        access=access_of(settings, users),
        settings=settings,
        surroundings=Surroundings(forms.form),
        templates=templates(),
        answered=answered,
    )
    add_refusals(app)
    for router in (pages, api, changes):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def _middleware(settings: ReviewSettings, secret: str) -> list[Middleware]:
    return [
        Middleware(SecurityHeaders, https=settings.secure_cookies),
        Middleware(RequestGuard, settings=settings),
        Middleware(
            SessionMiddleware,
            secret_key=secret,
            session_cookie="formdigits_review",
            max_age=SESSION_S,
            same_site="lax",
            https_only=settings.secure_cookies,
        ),
    ]
