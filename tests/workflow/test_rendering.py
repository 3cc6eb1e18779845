"""A procedure's template shows what is given to it and can do nothing else."""

from typing import Any

import pytest

from workflow import rendering
from workflow.domain.results import DataMissing, TemplateRefused

DATA: dict[str, Any] = {
    "form": {"name": "Hương <b>Quê</b>", "items": ["một", "hai"], "capital": 1_500_000, "day": "2026-03-04"},
    "decision": {},
    "dossier": {"code": "H56.30-260304-0001"},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ dossier.code }}", "<p>H56.30-260304-0001</p>"),
        ("Dòng một\n\nDòng hai", "<p>Dòng một</p><p>Dòng hai</p>"),
        ("<p>{{ form.name }}</p>", "<p>Hương &lt;b&gt;Quê&lt;/b&gt;</p>"),
        # A field may be called as a method of a mapping is.
        ("{% for each in form.items %}{{ loop.index }}.{{ each }} {% endfor %}", "<p>1.một 2.hai </p>"),
        ("{{ form['capital'] | dong }} {{ form.day | day }}", "<p>1.500.000 04/03/2026</p>"),
        ("{{ form.items[1] | upper }}", "<p>HAI</p>"),
        ("{% if decision.note is defined %}{{ decision.note }}{% else %}không{% endif %}", "<p>không</p>"),
        ("{{ decision.note | default('—') }} {{ form.a.b.c is defined }}", "<p>— False</p>"),
        ("{{ 'có' if form.capital > 5 and not form.x is defined else 'không' }}", "<p>có</p>"),
    ],
)
def test_it_shows_the_dossiers_data(template: str, text: str) -> None:
    assert rendering.fill(template, DATA) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ form.__class__.__mro__ }}",
        "{{ form.keys }}",
        "{{ dossier.code.upper }}",
        "{{ self.x }}",
        "{{ cycler.__init__ }}",
        "{{ form.missing }}",
        "{{ form.missing.deeper }}",
        "{{ form.items[7] }}",
        "{{ applicant.name }}",
        "{% for x in form.missing %}{{ x }}{% endfor %}",
    ],
)
def test_what_is_not_there_is_missing_whatever_python_makes_of_it(template: str) -> None:
    with pytest.raises(DataMissing):
        rendering.fill(template, DATA)


@pytest.mark.parametrize(
    "template",
    [
        "{{ range(10) }}",
        "{{ form.items.append(1) }}",
        "{{ ''.join(['a']) }}",
        "{% for a in form.items %}{% for b in form.items %}{{ b }}{% endfor %}{% endfor %}",
        "{% for a in form.items recursive %}{{ a }}{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 999999999 }}",
        "{{ 'a' ~ 'b' }}",
        "{% set x = 1 %}{{ x }}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'result.html' %}",
        "{% import 'os' as os %}",
        "{% extends 'result.html' %}",
        "{{ form.name | safe }}",
        "{{ form.name | replace('', 'xxxxxxxxxxxx') }}",
        "{{ form.items | map(attribute='__class__') }}",
        "{{ form.name | attr('__class__') }}",
        "{{ form.name",
        "{% if %}",
        "{{ unknown | nofilter }}",
        "{{ dossier.code | day }}",
        "{{ form.name | dong }}",
        "x" * (rendering.MOST_TEMPLATE + 1),
        "{% for a in form.many %}" + "x" * 20_000 + "{% endfor %}",
        "{{ (((" * 3000,
        "{{ " + "(" * 300 + "1" + ")" * 300 + " }}" + "{% if 1 %}" * 400 + "{% endif %}" * 400,
    ],
)
def test_what_could_do_more_than_show_is_refused_at_once(template: str) -> None:
    with pytest.raises(TemplateRefused):
        rendering.fill(template, {**DATA, "form": {**DATA["form"], "many": list(range(100))}})
