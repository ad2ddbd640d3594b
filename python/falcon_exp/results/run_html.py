"""A run as a notebook shows it. All of its text is untrusted, so markup in it is shown as text."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from falcon_exp.results.run import Run


def run_html(run: Run) -> str:
    """HTML that says what the run was and how it ended, with one row per configuration."""
    data = run.facts
    entries = _sentences(run)
    rows = "".join(
        f"<tr><td>{escape(one.label)}</td><td>{escape(one.status)}</td>"
        f"<td style='text-align:left'>{escape(entries.get(one.id, ''))}</td></tr>"
        for one in data.configurations
    )
    head = f"{run.experiment}: {data.run['plan']['model_name']}, {run.status}, {run.started:%Y-%m-%d %H:%M} UTC"
    return (
        f"<div><strong>{escape(head)}</strong><br><code>{escape(str(run.folder))}</code>"
        "<table><thead><tr><th>configuration</th><th>status</th><th>against its reference</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _sentences(run: Run) -> dict[str, str]:
    """How each configuration, by id, compares with its reference; empty if no report has been drawn."""
    if not (run.folder / "summary.json").is_file():
        return {}
    return {
        entry["id"]: (entry["against_reference"] or {}).get("sentence")
        or ("reference" if entry["is_reference"] else "")
        for entry in run.summary["configurations"]
    }
