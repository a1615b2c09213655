"""A page of a set's worst fields: what was accepted and is wrong first, then what else was read wrongly."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from bench.figures import Outcome

SHOWN = 120


def write_worst(path: Path, name: str, outcomes: Sequence[Outcome]) -> None:
    """Write an HTML page with the crops of at most ``SHOWN`` wrong fields, the surest first."""
    wrong = sorted((o for o in outcomes if not o.right), key=lambda o: (not o.accepted, -o.confidence))
    rows = "".join(_row(outcome) for outcome in wrong[:SHOWN])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "<!doctype html><meta charset=utf-8><title>" + escape(name) + "</title>"
        "<style>body{font:14px sans-serif}img{height:64px;image-rendering:pixelated}td{padding:2px 10px}</style>"
        f"<h1>{escape(name)}: {len(wrong)} of {len(outcomes)} fields wrong</h1><table>{rows}</table>",
        encoding="utf-8",
    )


def _row(outcome: Outcome) -> str:
    picture = base64.b64encode(outcome.crop_png).decode()
    cells = [
        f'<img alt="" src="data:image/png;base64,{picture}">',
        f"<b>{escape(outcome.value)}</b> read",
        f"<b>{escape(outcome.truth)}</b> true",
        f"{outcome.confidence:.3f} {'<b>accepted</b>' if outcome.accepted else escape(outcome.reasons)}",
        escape(f"{outcome.scan} {outcome.field}"),
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
