"""The HTML report (REP-30..42): one self-contained file. The only door to jinja2.

Every value passes two gates: characters that do not print become escapes (``visible``), then the template engine
escapes markup.
"""

import base64
import hashlib
import re
from functools import cache

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound
from markupsafe import Markup, escape

from kubeaudit import data
from kubeaudit.findings import Certainty, ScanResult, Verdict
from kubeaudit.garbage import collection_paused
from kubeaudit.proof import State
from kubeaudit.report import words
from kubeaudit.report.html_view import page
from kubeaudit.report.visible import visible
from kubeaudit.settings import Severity

LONG_NAME = 32
_BREAK = re.compile(r"(?<=[._:@])(?=[A-Za-z])")


@collection_paused()
def render(result: ScanResult) -> bytes:
    """The report as UTF-8."""
    style, script = _source("page.css"), _source("page.js")
    template = _environment().get_template("page.html.j2")
    text = template.render(
        result=result,
        page=page(result),
        style=Markup(style),
        script=Markup(script),
        policy=_content_policy(style, script),
    )
    return text.encode()


def _environment() -> Environment:
    environment = Environment(
        loader=_Templates(),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # The same objects and containers are named in many findings; the names live as long as the environment.
    environment.filters["name"] = cache(_breakable)
    environment.globals.update(
        words=words,
        severities=list(Severity),
        verdicts=list(Verdict),
        certainties=list(Certainty),
        yes=State.YES,
        visible=visible,
    )
    return environment


class _Templates(BaseLoader):
    def get_source(self, environment: Environment, template: str) -> tuple[str, None, None]:
        try:
            return _source(template), None, None
        except FileNotFoundError as error:
            raise TemplateNotFound(template) from error


def _source(name: str) -> str:
    return (data.template_folder() / name).read_text(encoding="utf-8")


def _finalize(value: object) -> object:
    return visible(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


def _breakable(value: object) -> Markup:
    """A name that may break after ``.`` where it is long; browsers break after ``/`` and ``-`` themselves."""
    text = visible(str(value))
    if len(text) <= LONG_NAME:
        return escape(text)
    return Markup("<wbr>").join(_BREAK.split(text))


def _content_policy(style: str, script: str) -> str:
    """Forbids every fetch; only the style sheet and the script of this very page run."""
    allowed = f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
