"""Pages from templates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from ledger.review.types import Progress

STATIC = Path(__file__).parent / "static"


def templates() -> Environment:
    """The page's templates; whatever is put into them is escaped."""
    environment = Environment(
        loader=PackageLoader("review"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"json": json.dumps, "percent": percent, "progress": progress_words, "duration": duration}
    environment.globals["static"] = _static_url
    return environment


def page(request: Request, template: str, shown: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """A whole page: what every page shows, and ``shown``."""
    context = request.app.state.context
    common = {
        "person": getattr(request.state, "person", None),
        "csrf": request.session.get("csrf", ""),
        "sign_in": context.settings.sign_in,
    }
    return HTMLResponse(context.templates.get_template(template).render(common | dict(shown)), status)


def fragment(request: Request, template: str, **shown: Any) -> str:
    """A part of a page, for the script to put in."""
    return str(request.app.state.context.templates.get_template(template).render(shown))


def percent(share: float | None, places: int = 1) -> str:
    """A share as people read it; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.{places}f} %"


def progress_words(progress: Progress) -> str:
    """What is left, such as ``37 left, about 2 min``."""
    left = f"{progress.open:,} left"
    if progress.open and progress.seconds_left is not None:
        left += f", about {duration(progress.seconds_left)}"
    return left


def duration(seconds: float | None) -> str:
    """A time that people take, roughly."""
    if seconds is None:
        return "-"
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _static_url(name: str) -> str:
    """The address of a file of ours; it changes with the file, so that browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
