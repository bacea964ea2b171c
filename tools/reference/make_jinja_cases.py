"""Writes tests/data/jinja/*.jsonl: templates of our own with what Jinja makes of them.

    python3 tools/reference/make_jinja_cases.py

Needs jinja2 3.1. A line holds the template, its variables and the text, or the kind of the error and its message.
"""

import json
import pathlib

from jinja_environment import environment

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "tests/data/jinja"

DATA = {
    "n": 7, "x": 2.5, "yes": True, "nothing": None, "word": "Hello World", "chinese": "你好，世界", "empty": "",
    "list": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"], "dict": {"b": 1, "a": [1, 2], "C": None},
    "people": [{"name": "Ann", "age": 31, "pet": {"kind": "cat"}}, {"name": "bob", "age": 25},
               {"name": "Cy", "age": 31, "pet": {"kind": "dog"}}],
    "html": "<b>\"a\" & 'b'</b>", "lines": "one\n  two\n\nthree\n", "nested": {"list": [[1, [2, {"k": "v"}]], []]},
}

EXPRESSIONS = """
{{ 1 + 2 * 3 }}|{{ (1 + 2) * 3 }}|{{ 7 // 2 }}|{{ -7 // 2 }}|{{ 7 % 3 }}|{{ -7 % 3 }}|{{ 7 / 2 }}|{{ 6 / 3 }}
{{ 2 ** 10 }}|{{ 2 ** -1 }}|{{ 2 ** 3 ** 2 }}|{{ -2 ** 2 }}|{{ 2.0 ** 0.5 }}|{{ 7.5 // 2 }}|{{ -7.5 % 2 }}|{{ 7 % -3 }}
{{ 1 - 2 - 3 }}|{{ 1 ~ 2 ~ 'a' ~ none }}|{{ 1 + (2 ~ 3)|int }}|{{ 2 * 3 ~ 4 }}|{{ -n }}|{{ +n }}|{{ - -n }}|{{ 1 - -1 }}
{{ 'a' + 'b' }}|{{ 'ab' * 3 }}|{{ 3 * 'ab' }}|{{ 'ab' * -1 }}|{{ [1] + [2] }}|{{ [1, 2] * 2 }}|{{ (1,) + (2,) }}
{{ true + true }}|{{ true * 3 }}|{{ 1 == 1.0 }}|{{ 1 == true }}|{{ '1' == 1 }}|{{ [1, 2] == [1, 2] }}|{{ (1,) == [1] }}
{{ 1 < 2 < 3 }}|{{ 1 < 2 > 3 }}|{{ 3 > 2 >= 2 == 2 }}|{{ 'a' < 'b' }}|{{ 'a' < 'B' }}|{{ [1, 2] < [1, 3] }}|{{ (1, 2) >= (1,) }}
{{ 1 != 2 }}|{{ none == none }}|{{ none == false }}|{{ missing == other }}|{{ dict == {'a': [1, 2], 'b': 1, 'C': none} }}
{{ 1 in [1, 2] }}|{{ 3 not in [1, 2] }}|{{ 'ell' in word }}|{{ 'b' in dict }}|{{ 'z' not in dict }}|{{ 1 in dict.values() }}|{{ 1 in missing }}
{{ not true }}|{{ not not 0 }}|{{ not 1 == 2 }}|{{ not 'a' in 'b' }}|{{ 1 and 2 }}|{{ 0 and 2 }}|{{ 0 or 'x' }}|{{ '' or none }}|{{ 1 or 2 and 0 }}
{{ 'a' if yes else 'b' }}|{{ 'a' if nothing else 'b' }}|{{ 'a' if nothing }}|{{ 1 if 0 else 2 if 0 else 3 }}|{{ (1 if 1 else 2) + 1 }}
{{ list[0] }}|{{ list[-1] }}|{{ list[9] }}|{{ list.0 }}|{{ nested.list.0.1.1.k }}|{{ nested['list'][0][1] }}|{{ word[1] }}|{{ chinese[-1] }}
{{ list[1:] }}|{{ list[:-1] }}|{{ list[::-1] }}|{{ list[::2] }}|{{ word[2:5] }}|{{ word[::-1] }}|{{ chinese[1:3] }}|{{ chinese[::-2] }}|{{ word[-3:] }}
{{ list[5:] }}|{{ list[-9:2] }}|{{ (1,2,3)[1:] }}|{{ word[8:2] }}|{{ word[8:2:-2] }}|{{ range(10)[2] }}|{{ list[none:2] }}|{{ 'abc'[:100] }}
{{ dict.b }}|{{ dict['b'] }}|{{ dict.zzz }}|{{ dict['zzz'] }}|{{ dict.a[1] }}|{{ dict.get('b') }}|{{ dict.get('z') }}|{{ dict.get('z', 5) }}
{{ {'items': 1}.items() }}|{{ {'items': 1}['items'] }}|{{ {'x': 1}.x }}|{{ {1: 'a', 1.0: 'b', true: 'c'} }}|{{ {(1, 2): 3}[(1, 2)] }}
{{ [1, 'a', none, true, 2.0, [], {}, ()] }}|{{ (1,) }}|{{ () }}|{{ (1) }}|{{ 1, 2 }}|{{ [] }}|{{ {} }}|{{ [1,] }}|{{ {'a': 1,} }}
{{ 'a' 'b' "c" }}|{{ 'it''s' }}|{{ "say \\"hi\\"" }}|{{ 'tab\\there' }}|{{ '\\x41\\u4e2d\\U0001F600\\101' }}|{{ 'a\\qb' }}|{{ '\\\\n' }}
{{ 0x1F }}|{{ 0b101 }}|{{ 0o17 }}|{{ 1_000_000 }}|{{ 1.5e3 }}|{{ 1e-7 }}|{{ 2e2 }}|{{ 1_0.5_0 }}|{{ 0 }}|{{ 00 }}|{{ 9223372036854775807 }}
{{ True }}|{{ false }}|{{ None }}|{{ none }}|{{ missing }}|{{ missing is defined }}|{{ [missing] }}|{{ 'x' ~ missing ~ 'y' }}
{{ x * 2 }}|{{ x + n }}|{{ 0.1 + 0.2 }}|{{ 1e16 }}|{{ 1e15 }}|{{ 123456789.123 }}|{{ 0.0001 }}|{{ 0.00001 }}|{{ -0.0 }}|{{ 1e300 * 1e10 }}
{{ word.upper().lower().title() }}|{{ (word|upper).lower() }}|{{ -list[0] }}|{{ -(3)|abs }}|{{ 2 * -3 }}|{{ 'a'|upper ~ 'b' }}|{{ 'a' ~ 'b'|upper }}
{{ n is odd and x is float }}|{{ not n is even }}|{{ n is not even }}|{{ 1 + 1 is even }}|{{ (1 + 1) is even }}|{{ 3 is divisibleby 3 }}
{{ dict.keys()|list }}|{{ dict.items()|list }}|{{ dict.keys() }}|{{ dict.values() }}|{{ range(3) }}|{{ range(1, 10, 3) }}|{{ range(5, 0, -2)|list }}
{{ 5 .__class__ }}|{{ word.__len__ }}|{{ dict.__class__ }}|{{ [].append }}|{{ {}.update }}
""".strip().splitlines()

VALUES = [
    "{{ %s }}" % value for value in (
        "nothing", "yes", "n", "x", "word", "chinese", "empty", "list", "dict", "people", "nested", "html", "lines",
        "[html]", "[\"it's\"]", "['say \"it\\'s\"']", "['\\n\\t\\r\\\\']", "['\\x00\\x7f\\x85']", "['中文 😀 \\u200b é']",
        "[0.1, 1.0, 1e22, 1e-5, 123456789012345680.0]", "[true, none, missing]", "{'k': {'n': [1, (2,), ()]}}",
        "1.0", "100000000000000000000.0", "5e-324", "1.7976931348623157e308", "0.30000000000000004", "-1.5",
        "'%s' % list", "[list|length, word|length, chinese|length, dict|length]", "dict|string", "(1, 'a')|string",
    )
] + [
    "{% if VALUE %}true{% else %}false{% endif %}".replace("VALUE", value) for value in
    ("0", "1", "0.0", "''", "'0'", "[]", "[0]", "{}", "{'a': 0}", "()", "none", "missing", "missing.x is defined",
     "range(0)", "range(1)", "namespace()", "dict.keys()", "{}.keys()", "list|map('string')")
    if "missing.x" not in value
]

STATEMENTS = [
    "{{ 'a &amp; b &lt;<i>c</i> &amp;lt; &#39;'|striptags }}", "{% for i in [1, 2] %}{% continue %}{% else %}e{% endfor %}",
    "{% for i in list %}{{ i }},{% endfor %}", "{% for i in [] %}x{% else %}none{% endfor %}",
    "{% for i in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for i in list %}{{ loop.previtem }}-{{ i }}-{{ loop.nextitem }};{% endfor %}",
    "{% for i in list %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for i in range(9) if i is odd %}{{ i }}:{{ loop.index }}/{{ loop.length }}{{ loop.last }} {% endfor %}",
    "{% for i in range(9) if i > 100 %}x{% else %}empty{% endfor %}",
    "{% for i in range(6) %}{{ loop.cycle('a', 'b', 'c') }}{% endfor %}",
    "{% for i in [1, 1, 2, 2, 1] %}{% if loop.changed(i) %}{{ i }}{% endif %}{% endfor %}",
    "{% for k, v in dict.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in dict %}{{ k }}{% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}", "{% for c in chinese %}[{{ c }}]{% endfor %}",
    "{% for i in missing %}x{% else %}y{% endfor %}", "{% for a in [[1, 2], [3]] %}{% for b in a %}{{ loop.index }}{{ b }} {% endfor %}{{ loop.index }};{% endfor %}",
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in range(3) %}{% for j in range(3) %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}",
    "{% for i in [1, 2] %}{{ i }}{% break %}{% else %}e{% endfor %}", "{% for i in 1, 2, 3 %}{{ i }}{% endfor %}",
    "{% for x in people if x.pet %}{{ x.name }}{% endfor %}", "{% for x in people|selectattr('pet') %}{{ x.name }}{{ loop.last }}{% endfor %}",
    "{% set ns = namespace(go=true) %}{% for i in range(9) if ns.go %}{{ i }}{% if i == 3 %}{% set ns.go = false %}{% endif %}{% endfor %}",
    "{% if n == 7 %}seven{% elif n == 8 %}eight{% else %}other{% endif %}", "{% if n == 8 %}a{% elif n == 7 %}b{% elif n == 7 %}c{% endif %}",
    "{% if not n %}a{% endif %}b", "{% if n in list or n == 7 %}yes{% endif %}", "{% if 1, %}tuple{% endif %}",
    "{% set a = 1 %}{{ a }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set (a, b) = [3, 4] %}{{ a + b }}", "{% set a = 1, 2 %}{{ a }}",
    "{% set a %}x{{ n }}y{% endset %}[{{ a }}]", "{% set a | upper %}abc{% endset %}{{ a }}", "{% set a | replace('b', 'x') | upper %}abc{% endset %}{{ a }}",
    "{% set ns = namespace(a=1, b='x') %}{% set ns.a = ns.a + 1 %}{{ ns.a }}{{ ns.b }}{{ ns.c }}", "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}",
    "{% set ns = namespace() %}{% set ns.t %}block{% endset %}{{ ns.t }}", "{% set ns = namespace(x=0) %}{% set ns.x, y = 5, 6 %}{{ ns.x }}{{ y }}",
    "{% set ns = namespace(found=false) %}{% for i in list %}{% if i == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.found }}",
    "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}",
    "{% filter upper %}abc{{ n }}d{% endfilter %}", "{% filter replace('a', 'b')|upper %}banana{% endfilter %}", "{% filter indent(2, true) %}a\nb{% endfilter %}",
    "{% print n, word %}", "{% raw %}{{ n }}{% if %}{% endraw %}", "{%- raw -%}  {{ n }}  {%- endraw -%}  x", "{# comment #}a{# {{ n }} #}b",
    "{% generation %}inside {{ n }}{% endgeneration %}!", "{% block b %}in{{ n }}{% endblock %}", "{% block b scoped %}x{% endblock b %}",
    "{% set dict_ = 1 %}{{ dict(a=1, b=2) }}{{ dict([('a', 1)], c=3) }}{{ dict() }}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set q = c.reset() %}{{ c.current }}",
    "{% set j = joiner('; ') %}{{ j() }}a{{ j() }}b{{ j() }}c", "{{ strftime_now('%Y-%m-%d') }}|{{ strftime_now('%d %b %Y') }}|{{ strftime_now('%A, %B %e, %H:%M:%S %p %j %y %%') }}|{{ strftime_now('今天 %d') }}|{{ strftime_now('') }}",
    "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% endif %}", "{% for i in range(2): %}{{ i }}{% endfor %}", "{% if true: %}x{% endif %}",
    "{% for item in dict|dictsort %}{{ item[0] }}{{ item.1 }}{% endfor %}", "{% for a, b in [(1, 2)] if a == 1 %}{{ a }}{{ b }}{% endfor %}",
]

SCOPES = [
    "{% set a = 1 %}{% for i in [1, 2] %}{{ a }}{% set a = 5 %}{{ a }}{% endfor %}{{ a }}", "{% for i in [1, 2] %}{% set b = i %}{% endfor %}{{ b is defined }}",
    "{% if yes %}{% set a = 2 %}{% endif %}{{ a }}", "{% set a = 1 %}{% if yes %}{% set a = 2 %}{% endif %}{{ a }}",
    "{% for i in [1] %}{% if true %}{% set a = 9 %}{% endif %}{{ a }}{% endfor %}{{ a }}", "{% for n in list %}{{ n }}{% endfor %}{{ n }}",
    "{% set a = 1 %}{% macro m() %}{{ a }}{% endmacro %}{% set a = 2 %}{{ m() }}", "{% macro m() %}{{ b }}{% endmacro %}{% for b in [1] %}[{{ m() }}]{% endfor %}",
    "{% set a = 1 %}{% macro m() %}{% set a = 2 %}{{ a }}{% endmacro %}{{ m() }}{{ a }}", "{% set a = 1 %}{% set b %}{% set a = 2 %}{{ a }}{% endset %}{{ b }}{{ a }}",
    "{% set n = n + 1 %}{{ n }}", "{% for i in [1] %}{% set n = n + i %}{{ n }}{% endfor %}{{ n }}", "{% set a = 1 %}{% filter upper %}{% set a = 2 %}{{ a }}{% endfilter %}{{ a }}",
    "{% for i in [1, 2] %}{% for j in [1] %}{% set k = i %}{% endfor %}{{ k is defined }}{% endfor %}", "{% set loop = 5 %}{{ loop }}{% for i in [1] %}{{ loop.index }}{% endfor %}{{ loop }}",
    "{% macro outer() %}{% macro inner() %}in{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() }}{{ inner is defined }}",
    "{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% generation %}{% set q = 1 %}{% endgeneration %}{{ q is defined }}",
    "{% set messages = list[1:] %}{% for m in messages %}{{ m }}{% endfor %}", "{% set range = 5 %}{{ range }}", "{% for a in [1] %}{% else %}{% endfor %}{{ loop is defined }}",
]

WHITE_SPACE = [
    "a\n{% if true %}\nb\n{% endif %}\nc\n", "a\n  {% if true %}\n  b\n  {% endif %}\n  c", "a {% if true %} b {% endif %} c", "a\n\n{%- if true -%}\n\nb\n\n{%- endif -%}\n\nc",
    "  {{ n }}  \n  {{- n -}}  \n x", "{{ n }}\n{{ n }}\n", "{{ n }}\n\n", "\n\n{{ n }}", "a\n  {# c #}\nb", "a\n  {#- c -#}\n  b", "a {# c #} b", "a\n  {%+ if true %}\nb{% endif %}",
    "{% if true +%}\nb{% endif %}", "{% if true -%}\n  b\n{%- endif %}\n\n c", "  {% for i in list %}\n    {{ i }}\n  {% endfor %}\nend", "a\t {% set q = 1 %}\t\nb", "a\r\nb\rc\n{{ n }}\r\n",
    "x   {%- set a = 1 %}\n  y", "{% set a = 1 %}{% set b = 2 %}\n{{ a }}{{ b }}", "{%- for i in list -%} {{ i }} {%- endfor -%}", "x{# a #}\n{# b #}\ny", "  {% raw %} {{ x }} {% endraw %}\nz",
    "{{- ' a ' -}}  b", "\u3000\u00a0{%- if true %}x{% endif %}", "a\n    {{ n }}\n    {% if true %}b{% endif %}\n", "{% if true %}\n\n\nx{% endif %}", "{{ 'a\\nb' }}\n{{ 'c' }}", "{ {n} } {%raw%}%}{%endraw%} }} %} #}",
    "{%if true%}x{%endif%}", "{%-if true-%} x {%-endif-%}", "{{n}}{{-n}}", "{{ {'a': {'b': 1}}.a.b }}", "{{ {'a': 1}}}", "a{#-#} b", "a {#--#} b", "{% set x = '%}' %}{{ x }}", "{{ '}}' }}", "{{ \"{% if %}\" }}", "1\n{% raw -%}\n  x\n{%- endraw %}\n2",
]

MACROS = [
    "{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 5) }}{{ m(1, c=9) }}{{ m(b=1, a=2) }}{{ m() }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a) %}{{ a }}{{ varargs|join('-') }}{% for k, v in kwargs.items() %}{{ k }}{{ v }}{% endfor %}{% endmacro %}{{ m(1, 2, 3, z=4) }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "{% macro m(x) %}<{{ caller() }}{{ x }}>{% endmacro %}{% call m(1) %}body{{ n }}{% endcall %}",
    "{% macro m() %}{{ caller(1, 2) }}{{ caller(3, b=4) }}{% endmacro %}{% call(a, b=9) m() %}[{{ a }}{{ b }}]{% endcall %}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}",
    "{% macro f(n) %}{% if n <= 1 %}1{% else %}{{ n * (f(n - 1)|int) }}{% endif %}{% endmacro %}{{ f(10) }}", "{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% macro m(a) -%}\n  {{ a }}\n{%- endmacro %}[{{ m(1) }}]", "{% macro m() %}x{% endmacro %}{% set y = m() %}{{ y|upper }}{{ m()|length }}{{ m() ~ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'a': 2}) }}",
    "{% macro m(a, b) %}{{ a }}{{ b is defined }}{% endmacro %}{{ m(1) }}", "{% macro m(a) %}{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}{% endmacro %}{{ m(1) }}",
    "{% macro m(msgs) %}{% for i in msgs %}{{ i }}{% endfor %}{% endmacro %}{{ m(list) }}{{ m(msgs=words) }}", "{% macro inner() %}({{ caller() }}){% endmacro %}{% macro outer() %}{% set c = caller %}{% call inner() %}{{ c() }}!{% endcall %}{% endmacro %}{% call outer() %}z{% endcall %}",
    "{% macro m(a=[]) %}{{ a + [1] }}{% endmacro %}{{ m() }}{{ m() }}", "{% macro m() %}{% set ns = namespace(t='') %}{% for i in list %}{% set ns.t = ns.t ~ i %}{% endfor %}{{ ns.t }}{% endmacro %}{{ m() }}", "{{ m is defined }}{% macro m() %}{% endmacro %}{{ m is defined }}{{ m is callable }}",
    "{% set f = word.upper %}{{ f() }}", "{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m(3) }}", "{% macro schema(s, d=0) %}{% if s is mapping %}{ {% for k, v in s.items() %}{{ k }}: {{ schema(v, d + 1) }}{{ ', ' if not loop.last }}{% endfor %} }{% else %}{{ s }}@{{ d }}{% endif %}{% endmacro %}{{ schema({'a': 1, 'b': {'c': 2}}) }}",
]

FILTERS = [
    "{{ %s }}" % text for text in """
-5|abs; 2.5|abs; word|attr('upper') is defined; dict|attr('b'); list|batch(2)|list; list|batch(2, 'x')|list; 'hELLO wORLD'|capitalize; 'éA'|capitalize; 'ab'|center(7); 'abc'|center(8); list|count; missing|d('x'); missing|default('x'); ''|default('x'); ''|default('x', true); none|default('x'); 0|default(1, boolean=true); missing|default
dict|dictsort; dict|dictsort(true); {'b': 2, 'a': 3}|dictsort(false, 'value'); {'b': 2, 'a': 3}|dictsort(reverse=true); html|e; html|escape; html|e|e; html|forceescape; html|safe; 1|filesizeformat; 999|filesizeformat; 123456|filesizeformat; 123456|filesizeformat(true); 5e12|filesizeformat
list|first; []|first; 'abc'|first; list|last; 'abc'|last; []|last; '2.5'|float; 'x'|float; 'x'|float(1.5); '1e3'|float; ' 7 '|float; 3|float; '%s-%d'|format('a', 3); '%(a)s'|format(a=1)
people|groupby('age')|list; people|groupby('age')|map(attribute='grouper')|list; people|groupby('name')|map('first')|list; people|groupby('pet.kind', default='none')|map('list')|list|length; 'a\\nb\\n\\nc'|indent; 'a\\nb\\n\\nc'|indent(2); 'a\\nb\\n\\nc'|indent(2, true); 'a\\nb\\n\\nc'|indent(2, true, true); 'a\\nb\\n\\nc'|indent('> '); lines|indent; ''|indent; 'a'|indent(first=true); 'a\\nb\\n\\nc'|indent(2, blank=true)
'42'|int; '42.9'|int; 'x'|int; 'x'|int(5); '0x1F'|int(0, 16); 'ff'|int(base=16); '0b11'|int(0, 2); 3.99|int; -3.99|int; ' 12 '|int; '1_000'|int; true|int; none|int; ''|int(3); '1e3'|int; dict|items|list; missing|items|list
list|join; list|join(', '); words|join('-'); people|join(', ', attribute='name'); 'abc'|join('.'); []|join('x'); [1, none, 'a']|join('|'); dict|join(','); missing|join(','); list|length; word|length; dict|length; missing|length; (1, 2)|list; 'ab'|list; dict|list; range(3)|list; 'ABC'|lower; 'ÄÖ ΑΣ ΣΑΣ'|lower; 5|lower; none|upper
words|map('upper')|list; words|map('replace', 'p', 'b')|list; people|map(attribute='name')|list; people|map(attribute='pet', default='-')|list; [[1, 2], [3, 4]]|map(attribute=1)|list; words|map('length')|sum; []|map('upper')|list; [' a ']|map('trim')|join; words|map('indent', width=2, first=true)|list
list|max; list|min; words|max; words|min; words|min(case_sensitive=true); people|max(attribute='age'); []|max; [1, 2.5]|max; range(9)|reject('odd')|list; range(9)|select('odd')|list; range(9)|select('gt', 5)|list; [0, 1, '', 'a']|select|list; [0, 1, '', 'a']|reject|list; range(9)|select('in', [1, 2])|list; range(9)|select('divisibleby', 3)|list; [1, 'a', none]|reject('none')|list; words|select('equalto', 'fig')|list
people|selectattr('pet')|map(attribute='name')|list; people|rejectattr('pet')|map(attribute='name')|list; people|selectattr('age', 'equalto', 31)|map(attribute='name')|list; people|selectattr('age', '>', 30)|list|length; people|selectattr('pet', 'defined')|list|length; people|selectattr('pet.kind', '==', 'cat')|list|length if false else 0; people|rejectattr('age', 'eq', 31)|list; people|selectattr('name', 'in', ['Ann', 'Cy'])|map(attribute='name')|join
'banana'|replace('a', 'o'); 'banana'|replace('a', 'o', 2); 'banana'|replace('', '-'); 'banana'|replace('an', ''); 'aaa'|replace('aa', 'b'); 5|replace(5, 6); 'a'|replace('a', 'b', count=0); list|reverse|list; 'abc'|reverse; chinese|reverse; 2.5|round; 3.5|round; 2.567|round(2); 2.567|round(1, 'floor'); 2.511|round(1, 'ceil'); 7|round; 1234|round(-2); -2.5|round; 2.675|round(2); 1e20|round; 5|round(method='ceil')
range(7)|slice(3)|list; range(7)|slice(3, 'x')|list; list|sort; list|sort(reverse=true); words|sort; words|sort(case_sensitive=true); people|sort(attribute='age')|map(attribute='name')|list; people|sort(attribute='age,name', reverse=true)|map(attribute='name')|list; [[2, 1], [1, 2]]|sort; ['b', 'A', 'a', 'B']|sort; 'hello'|sort; dict|sort; 5|string; none|string; list|string; '<p>a <b>b</b>  c</p><!-- x -->'|striptags; ''|striptags
list|sum; [1, 2.5]|sum; []|sum; people|sum(attribute='age'); list|sum(start=10); [[1], [2]]|sum(start=[]); 'hello wORLD foo-bar (baz'|title; "it's"|title; 'ÉCOLE ß'|title; ' x '|trim; 'xxaxx'|trim('x'); '\\n\\t a\\u3000'|trim; 5|trim; none|trim; missing|trim; 'abc'|trim(chars='c'); 'foo bar baz qux'|truncate(9); 'foo bar baz qux'|truncate(9, true); 'foo bar baz qux'|truncate(11); 'foo bar baz qux'|truncate(11, false, '...', 0); 'foo bar'|truncate(5, true, '', 0)
[1, 2, 1]|unique|list; words|unique|list; words|unique(case_sensitive=true)|list; people|unique(attribute='age')|map(attribute='name')|list; 'aAb'|unique|list; 'straße ŉ ﬁ'|upper; 'ab'|upper; 'a b/c?d=é&'|urlencode; {'a b': 1, 'c': 'd&e'}|urlencode; [('x', 'y z')]|urlencode; 'a b, c_d'|wordcount; chinese|wordcount; {'a': 1, 'b': none, 'c': '<"'}|xmlattr; {'a': 1}|xmlattr(false)
dict|tojson; list|tojson; chinese|tojson; chinese|tojson(ensure_ascii=true); '😀'|tojson(true); html|tojson; dict|tojson(indent=2); nested|tojson(indent=4); dict|tojson(sort_keys=true); dict|tojson(separators=(',', ':')); dict|tojson(indent=2, separators=(',', ': ')); dict|tojson(indent='\\t'); dict|tojson(indent=0); [1.0, 1e20, 0.1, true, none]|tojson; []|tojson(indent=2); {}|tojson(indent=2); '\\x00\\x1f\\x7f\\u2028"\\\\/'|tojson; {1: 2, none: 3, true: 4, 2.5: 5}|tojson; (1, 2)|tojson; [[], {}]|tojson(indent=1); people|tojson; 'a'|tojson|safe; {'z': {'b': 1, 'a': 2}, 'a': 0}|tojson(sort_keys=true, indent=1)
html|safe + '<i>'; '<i>' + html|safe; (html|e) * 2; html|safe ~ '<i>'; ('<b>'|safe)|upper; ['<'|e]; words|sort|first|upper; (words|map('lower')|unique|sort)|join(' '); n|string|length; [3, 1]|sort|tojson; word|replace('o', '0')|upper|reverse; dict.items()|list|length; dict|items|first; list|map('string')|join(',')|length; words|first|first
""".replace("\n", ";").split(";") if text.strip()
]

TESTS = [
    "{{ %s }}" % text.strip() for text in """
true is boolean; 1 is boolean; none is boolean; word.upper is callable; 5 is callable; n is defined; missing is defined; dict.zz is defined; dict.a is defined; 9 is divisibleby(3); 9 is divisibleby 2; 2 is eq 2; 2 is equalto(2.0); 'x' is escaped; ('x'|e) is escaped; 2 is even; 3 is even; 2.0 is even; false is false; 0 is false; 'upper' is filter; 'zzz' is filter; 1.0 is float; 1 is float; 3 is ge 3; 3 is gt 3; 4 is greaterthan 3; 1 is in [1, 2]; 'a' is in 'abc'; 1 is integer; true is integer; 1.0 is integer
list is iterable; word is iterable; dict is iterable; 5 is iterable; none is iterable; missing is iterable; range(3) is iterable; 3 is le 3; 'abc' is lower; 'aBc' is lower; '123' is lower; 3 is lt 4; 3 is lessthan 2; dict is mapping; list is mapping; namespace() is mapping; 1 is ne 2; none is none; missing is none; 0 is none; 1 is number; 1.5 is number; true is number; '1' is number; 3 is odd; 4 is odd; none is sameas none; 1 is sameas true; true is sameas true; list is sameas list; list is sequence; word is sequence; dict is sequence; (1,) is sequence; 5 is sequence; range(2) is sequence; dict.items() is sequence; 'x' is string; 1 is string; ('x'|safe) is string; 'defined' is test; 'zzz' is test; true is true; 1 is true; missing is undefined; n is undefined; 'ABC' is upper; 'AbC' is upper
n is not none; n is not defined; not n is none; n is odd and n is number; n is none or n is odd; 'x' if n is odd else 'y'; people[1].pet is defined and people[1].pet.kind == 'x'; [1, 2] is eq [1, 2]; word is string and word is not mapping; list is not string; (n + 1) is even; n is divisibleby 7 and true; list|length is eq 3; dict.b is not undefined; none is not number; [] is sequence; {} is mapping; '' is string; list|map('string') is iterable; list|map('string') is sequence
""".replace("\n", ";").split(";") if text.strip()
]

METHODS = [
    "{{ %s }}" % text.strip() for text in r"""
'hello world'.capitalize(); 'ßx'.capitalize(); 'STRASSE ß'.casefold(); 'ab'.center(6, '*'); 'abc'.center(6, '*'); 'abc'.center(2); 'banana'.count('a'); 'banana'.count('a', 2); 'banana'.count('a', 2, 4); 'banana'.count(''); 'abc'.endswith('bc'); 'abc'.endswith(('x', 'c')); 'abc'.endswith(''); 'abc'.endswith('b', 0, 2); 'a\tb'.expandtabs(4); 'banana'.find('n'); 'banana'.find('z'); 'banana'.find('a', 2); '你好世界'.find('世'); 'banana'.rfind('a'); 'banana'.index('n'); 'banana'.rindex('n'); '你好'.find('')
'a1'.isalnum(); 'a b'.isalnum(); 'aé中'.isalpha(); 'a1'.isalpha(); 'abc'.isascii(); 'é'.isascii(); '１２'.isdecimal(); '12²'.isdigit(); '12²'.isdecimal(); '½'.isnumeric(); '一'.isnumeric(); ''.isdigit(); 'a_1'.isidentifier(); '1a'.isidentifier(); 'ab1'.islower(); 'aB'.islower(); '1'.islower(); 'a\n'.isprintable(); 'a é'.isprintable(); ''.isprintable(); ' \t\n'.isspace(); ''.isspace(); 'Hello World'.istitle(); 'Hello world'.istitle(); 'AB1'.isupper(); 'Ab'.isupper()
', '.join(['a', 'b']); ''.join('abc'); '-'.join(words); 'ab'.ljust(5) ~ '|'; 'ab'.ljust(5, '.'); 'ab'.rjust(5); 'ÄÖÜ İ'.lower(); '  a '.lstrip() ~ '|'; 'xxaxx'.lstrip('x'); 'abcba'.strip('ab'); '  a '.rstrip() ~ '|'; 'a.b..'.rstrip('.'); ' \n\u3000a\u00a0 '.strip(); 'a-b-c'.partition('-'); 'abc'.partition('-'); 'a-b-c'.rpartition('-'); 'abc'.rpartition('-'); 'prefix-x'.removeprefix('prefix-'); 'x.py'.removesuffix('.py'); 'x'.removesuffix(''); 'banana'.replace('a', 'o'); 'banana'.replace('a', 'o', 1); 'ab'.replace('', '.'); 'a'.replace('a', 'b', -1)
'a b  c'.split(); ' a b '.split(' '); 'a,b,c'.split(','); 'a,b,c'.split(',', 1); 'a b c d'.split(none, 2); '  a  b  c '.split(maxsplit=1); 'abc'.split('b'); ''.split(); ''.split(','); 'a<think>b</think>c'.split('</think>')[-1]; 'a<think>b</think>c'.split('</think>')[0].split('<think>')[-1]; 'a,b,c'.rsplit(',', 1); ' a  b  c '.rsplit(none, 1); 'a b c'.rsplit(); 'a\nb\r\nc\rd\u2028e'.splitlines(); 'a\nb\n'.splitlines(true); ''.splitlines(); '\n'.splitlines(); 'abc'.startswith('ab'); 'abc'.startswith(('x', 'a')); 'abc'.startswith('b', 1); 'aBc Ä'.swapcase(); 'hello wORLD it\'s 3rd'.title(); 'ǆ ß'.title(); 'straße'.upper(); '42'.zfill(5); '-42'.zfill(5); '+1'.zfill(4); 'abc'.zfill(2)
dict.copy(); dict.get('a'); dict.keys()|list|sort; dict.values()|list; dict.items()|list; 'a' in dict.keys(); dict.keys()|length; [1, 2, 1].count(1); [1, 2, 1].index(2); [1, 2, 1].index(1, 1); (1, 2, 1).count(1); (3, 4).index(4); [1].copy(); (2.0).is_integer(); (2.5).is_integer(); (255).bit_length(); range(5).index(3); word.upper()[0]; word['upper'](); words[0].title().swapcase(); 'a'.join([]); '%s' % 'x'.upper(); '{}'.format('a'.upper()); word.split(' ')|last; word.split()|map('lower')|list; (word ~ '!').strip('!'); 'x'.lstrip('').rstrip(none)
""".replace("\n", ";").split(";") if text.strip()
]

FORMATTING = [
    "{{ %s }}" % text.strip() for text in r"""
'%s %s' % ('a', 1); '%d%%' % 50; '%5d|%-5d|%05d|%+d|% d' % (1, 2, 3, 4, 5); '%x %X %o %#x %#o' % (255, 255, 8, 255, 8); '%f %.2f %8.3f %-8.1f| %08.2f' % (1.5, 2.345, 3.14159, 2.55, -1.5); '%e %.2E %g %G %g' % (12345.678, 0.00012, 0.0001, 1e20, 100000.0); '%r %r' % ('a', [1]); '%s' % none; '%s' % [1, 2]; '%10s|%-10s|%.2s' % ('ab', 'cd', 'efg'); '%c%c' % (65, 'b'); '%(a)s-%(b)03d' % {'a': 'x', 'b': 7}; '%*d|%.*f' % (5, 42, 2, 3.14159); '%d' % 3.99; '%i' % true; '%5.1f%%' % 99.55; '%s' % (1,); '%s' % {'a': 1}; '' % (); '%.3d' % 5; '%s %s' % [1, 2] if false else 0; '%+.1e' % 0.0; '%g' % 1e16; '%#.3g' % 1.0; '%a' % 'x'
'{} {}'.format(1, 'a'); '{0}{1}{0}'.format('a', 'b'); '{name}: {v}'.format(name='x', v=2); '{:>5}|{:<5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd'); '{:5d}|{:<5d}|{:05d}|{:+d}|{:,}'.format(1, 2, 3, 4, 1234567); '{:.2f}|{:8.3f}|{:e}|{:g}|{:%}|{:.1%}'.format(1.234, 2.5, 12345.0, 0.0001, 0.5, 0.256); '{:x}|{:X}|{:b}|{:o}|{:#x}|{:_}'.format(255, 255, 5, 8, 255, 1234567); '{!r}|{!s}'.format('a', 'b'); '{{}}'.format(); '{a[b]}|{l[1]}'.format(a={'b': 1}, l=[1, 2]); '{:{w}.{p}f}'.format(1.5, w=8, p=2); '{:s}|{:10s}|{:.2s}'.format('a', 'b', 'cde'); '{}'.format(none); '{}'.format([1, 'a']); '{:d}'.format(true); '{}'.format(true); '{:,.2f}'.format(1234567.891); '{:=+6d}'.format(5); '{:<08.2f}'.format(1.5); '{:08.2f}'.format(-1.5); '{:.3}'.format(1.0); '{:g}'.format(5); '{:.0f}'.format(2.5); '{:中^5}'.format('a'); '{0.real}'.format(5) if false else 1; '{:n}'.format(12); '{a}'.format_map({'a': 1}); '{:10}|'.format(3); '{:10}|'.format(2.5); '{:^10}|'.format(true); '{: d}'.format(3); '{:e}'.format(0); '{:5}|'.format('中')
""".replace("\n", ";").split(";") if text.strip()
]

ERRORS = [
    "{% macro m(caller) %}{{ caller }}{% endmacro %}{{ m(3) }}", "{{ 2 is == 3 }}",
    "{% macro inner() %}({{ caller() }}){% endmacro %}{% macro outer() %}{% call inner() %}{{ caller() }}!{% endcall %}{% endmacro %}{% call outer() %}z{% endcall %}",
    "{{ missing.x }}", "{{ missing['x'] }}", "{{ dict.zz.y }}", "{{ missing() }}", "{{ missing + 1 }}", "{{ 1 + missing }}", "{{ -missing }}", "{{ missing < 1 }}", "{{ n.x.y }}", "{{ nothing.x.y }}", "{{ list[9].x }}",
    "{{ raise_exception('stop here') }}", "{% if messages is not defined %}{{ raise_exception('no messages') }}{% endif %}", "{{ 1 + 'a' }}", "{{ 'a' + 1 }}", "{{ none + 1 }}", "{{ 1 / 0 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 1.0 / 0 }}",
    "{{ 1 < 'a' }}", "{{ none < 1 }}", "{{ [1] < 1 }}", "{{ 1 in 5 }}", "{{ 1 in none }}", "{{ 1 in 'a' }}", "{{ {[]: 1} }}", "{{ 'a' - 'b' }}", "{{ [] + () }}", "{{ 'a' * 'b' }}", "{{ -'a' }}", "{{ -none }}",
    "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{% endfor %}", "{% set a, b = 1, 2, 3 %}", "{% set x.y = 1 %}", "{% set n.y = 1 %}", "{% set ns = namespace() %}{% set ns._x = 1 %}", "{{ namespace(_x=1) }}",
    "{{ list.append(1) }}", "{{ dict.update({}) }}", "{{ dict.pop('a') }}", "{{ list.sort() }}", "{% set x = list.append(4) %}", "{{ list.clear() }}", "{{ dict.setdefault('a', 1) }}", "{{ range(100001) }}", "{{ range(1, 2, 0) }}", "{{ range('a') }}", "{{ word.__class__() }}",
    "{{ n() }}", "{{ word() }}", "{{ word.nosuch() }}", "{{ word.upper(1) }}", "{{ word.split('') }}", "{{ 'a'.index('b') }}", "{{ [1].index(2) }}", "{{ ','.join([1, 2]) }}", "{{ word.replace('a') }}", "{{ word.center('x') }}", "{{ word.startswith(1) }}", "{{ dict.get([]) }}",
    "{{ n|nosuch }}", "{{ n is nosuch }}", "{% if false %}{{ n|nosuch }}{% endif %}ok", "{% if false %}{{ n is nosuch }}{% endif %}ok", "{{ 1 if true else n|nosuch }}", "{% if true %}{{ n|nosuch }}{% endif %}", "{% for i in [] %}{{ i|nosuch }}{% endfor %}", "{% if false %}{% for i in [] %}{{ i|nosuch }}{% endfor %}{% endif %}",
    "{{ 'x'|abs }}", "{{ n|length }}", "{{ none|length }}", "{{ n|list }}", "{{ n|join }}", "{{ n|first }}", "{{ n|sort }}", "{{ [1, 'a']|sort }}", "{{ ['a']|sum }}", "{{ n|items }}x{{ n|items|list }}", "{{ list|dictsort }}", "{{ missing|int }}", "{{ missing|tojson }}", "{{ namespace()|tojson }}", "{{ [missing]|tojson }}", "{{ word.upper|tojson }}", "{{ {(1, 2): 3}|tojson }}", "{{ {'a': 1, 1: 2}|tojson(sort_keys=true) }}", "{{ 5|indent }}", "{{ 5|round(method='x') }}", "{{ n|replace('a') }}", "{{ n|default(1, 2, 3) }}", "{{ n|upper(1) }}", "{{ n|tojson(nosuch=1) }}", "{{ list|map('nosuch')|list }}", "{{ list|select('nosuch')|list }}", "{{ list|selectattr }}x{{ list|selectattr()|list }}", "{{ people|map(attribute='pet.kind')|list }}x{{ people|map(attribute='zz.kind')|list }}", "{{ 'a'|truncate(1) }}x{{ 'abcdefghij'|truncate(1) }}", "{{ list|batch }}", "{{ list|last|last }}", "{{ list|map('string')|last }}", "{{ list|map('string')|length }}",
    "{{ '%d' % 'a' }}", "{{ '%s %s' % 'a' }}", "{{ '%s' % ('a', 'b') }}", "{{ '%q' % 1 }}", "{{ '%(a)s' % 1 }}", "{{ '%(a)s' % {} }}", "{{ 'abc' % 1 }}", "{{ '%' % 1 }}", "{{ '%x' % 1.5 }}", "{{ '{}'.format() }}", "{{ '{x}'.format(1) }}", "{{ '{'.format(1) }}", "{{ '}'.format(1) }}", "{{ '{:d}'.format('a') }}", "{{ '{:q}'.format(1) }}", "{{ '{} {0}'.format(1) }}", "{{ '{0.x.y}'.format(1) }}", "{{ '{!z}'.format(1) }}", "{{ '{:.2d}'.format(1) }}", "{{ '{:>5}'.format([1]) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", "{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m() }}", "{% macro m() %}{% endmacro %}{% call m() %}x{% endcall %}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% call n() %}x{% endcall %}", "{% call n %}x{% endcall %}", "{% macro m(a=1, b) %}{% endmacro %}",
    "{% if %}x{% endif %}", "{% if n %}", "{% for i in list %}", "{% endif %}", "{% else %}", "{% nosuch %}", "{{ n", "{% if n", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ [1 }}", "{{ {1: } }}", "{{ 'abc }}", "{{ 1 2 }}", "{{ a b }}", "{# open", "{% raw %}x", "{{ n| }}", "{{ n is }}", "{{ n. }}", "{{ n[ }}", "{{ n } }}", "{{ ) }}", "{{ [1) }}", "{{ $ }}", "{{ n ! }}", "{% set 1 = 2 %}", "{% set none = 2 %}", "{% set a.b.c = 1 %}", "{% set a[0] = 1 %}", "{% set %}", "{% set a = %}", "{% for in list %}{% endfor %}", "{% for i list %}{% endfor %}", "{% for 1 in list %}{% endfor %}", "{% break %}", "{% continue %}", "{% for i in list %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", "{% block a %}{% endblock %}{% block a %}{% endblock %}", "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}{{ y }}", "{{ f(a=1, 2) }}", "{{ f(a=1, a=2) }}", "{{ f(**{}, *[]) }}", "{{ n is odd is even }}", "{% endfor %}", "{% if n %}{% endfor %}{% endif %}", "{{ loop.index }}", "{% for i in list if loop.index %}{% endfor %}", "{% do list %}", "{{ 1.foo }}x{{ 1 .foo.bar }}", "{{ '\\x4' }}", "{{ list[::0] }}", "{{ list['a':] }}", "{{ strftime_now(5) }}", "{{ dict([1]) }}", "{{ dict(1) }}", "{{ cycler() }}", "{% for i in range(3) %}{{ loop.cycle() }}{% endfor %}", "{% for i in [1] %}{{ loop() }}{% endfor %}", "{{ list|groupby }}", "{{ 'a' is divisibleby 2 }}", "{{ none is odd }}", "{{ 'a' is gt 1 }}", "{% filter nosuch %}x{% endfilter %}", "{% set a | nosuch %}x{% endset %}", "{{ 0.0 ** -1 }}", "{{ 'x'.zfill() }}", "{{ '0' in 1.5 }}",
]

CHATML = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
          "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
INST = ("{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set rest = messages[1:] %}"
        "{% else %}{% set system = false %}{% set rest = messages %}{% endif %}{% for m in rest %}"
        "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
        "{% if loop.index0 == 0 and system %}{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + m['content'] %}{% else %}{% set content = m['content'] %}{% endif %}"
        "{% if m['role'] == 'user' %}{{ '[INST] ' + content.strip() + ' [/INST]' }}{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}")
TOOLS = """{%- if tools %}
    {{- '# Tools\\n' }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
{%- endif %}
{%- set ns = namespace(last=-1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.last < 0 and message.role == "user" %}{% set ns.last = index %}{% endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}{% set content = message.content %}{% else %}{% set content = '' %}{% endif %}
    {%- if message.role == "assistant" and message.tool_calls %}
        {%- for call in message.tool_calls %}
            {%- if call.function %}{% set call = call.function %}{% endif %}
            {{- '<call>' }}{{ call.name }}({% for k, v in call.arguments|items %}{{ k }}={{ v if v is string else v|tojson }}{% if not loop.last %}, {% endif %}{% endfor %})
        {%- endfor %}
    {%- elif '</think>' in content %}
        {%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {{- thought if loop.index0 > ns.last else '' }}|{{ content.split('</think>')[-1].lstrip('\\n') }}
    {%- else %}
        {{- message.role }}: {{ content }}
    {%- endif %}
{% endfor %}"""
CHATS = [
    [{"role": "user", "content": "Hi"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "  你好？ "}, {"role": "assistant", "content": "好。"}, {"role": "user", "content": "<b>"}],
    [{"role": "user", "content": "weather?"}, {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "get", "arguments": {"city": "北京", "days": 3, "f": [1.5, True]}}}]},
     {"role": "tool", "content": "{\"t\": 20}"}, {"role": "assistant", "content": "<think>\nhm\n</think>\n\n20."}],
    [{"role": "assistant", "content": "first"}],
]
TOOL = [{"type": "function", "function": {"name": "get", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]


def outcome(template, variables):
    row = {"template": template, "variables": variables}
    try:
        row["text"] = environment().from_string(template).render(**variables)
    except Exception as error:
        row["error"] = type(error).__name__
        row["message"] = str(error)
    return row


def write(name, templates, variables=None, ends=None):
    """`ends`: "text" or "error" where all cases must end so."""
    rows = []
    for template in templates:
        used = {key: value for key, value in (variables or DATA).items() if key in template and key + "(" not in template}
        row = outcome(template, used)
        if ends and ends not in row:
            print(f"{name}: {template!r} gives {row.get('text', row.get('message'))!r}")
        rows.append(row)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (FOLDER / f"{name}.jsonl").write_text(text, encoding="utf-8")
    print(f"{name}: {len(rows)} cases")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    write("expressions", [part for line in EXPRESSIONS for part in line.split("|{{")
                          for part in [part if part.startswith("{{") else "{{" + part]], ends="text")
    write("values", VALUES, ends="text")
    write("statements", STATEMENTS, ends="text")
    write("scopes", SCOPES, ends="text")
    write("white_space", WHITE_SPACE, ends="text")
    write("macros", MACROS, ends="text")
    write("filters", FILTERS, ends="text")
    write("tests", TESTS, ends="text")
    write("methods", METHODS, ends="text")
    write("formatting", FORMATTING, ends="text")
    write("errors", ERRORS)
    rows = [outcome(template, {"messages": chat, "add_generation_prompt": generate, "bos_token": "<s>", "eos_token": "</s>",
                               "tools": TOOL if generate else None})
            for template in (CHATML, INST, TOOLS) for chat in CHATS for generate in (False, True)]
    (FOLDER / "chat.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"chat: {len(rows)} cases")


if __name__ == "__main__":
    main()
