"""Named keys of an existing settings file get new values; everything else stays, byte for byte.

Pure, and of the standard library alone (Python 3.7 and newer), because it also runs on servers that have
nothing else. There the values come from a request and the password from the environment, never from the
command line:

    SECRET='{"password": "..."}' python3 settings_merge.py REQUEST.json SETTINGS > CHANGED

What it cannot change for certain it refuses: a key that is there twice, a value of several lines, a password
that the format's readers would understand in different ways.
"""

from __future__ import annotations

import json
import os
import re
import sys
from urllib.parse import quote


class MergeError(ValueError):
    """The file cannot be changed as asked; says which key, which line and why."""


def merge(kind: str, text: str, values: dict[str, str | int]) -> str:
    """The settings file with these values; `kind` is env, php, properties or yaml."""
    for key, value in values.items():
        if any(c in str(value) for c in "\r\n\0"):
            raise MergeError(f"{key}: a value of several lines cannot be written")
    return {"env": _env, "php": _php, "properties": _properties, "yaml": _yaml}[kind](text, values)


def fill(value: str | int, password: str) -> str | int:
    """The value with its password; `{password_url}` is written as addresses want it."""
    if isinstance(value, int):
        return value
    return value.replace("{password_url}", quote(password, safe="")).replace("{password}", password)


# env ------------------------------------------------------------------------------------------------
_ASSIGNMENT = re.compile(r"(\s*(?:export\s+)?)([A-Za-z_][\w.]*)(\s*=)(.*)\Z", re.S)


def _env(text: str, values: dict[str, str | int]) -> str:
    """KEY=value lines as dotenv libraries, systemd and shells read them; a missing key comes at the end."""
    out, left, within, dropped, began = [], dict(values), "", False, 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        body = line.rstrip("\r\n")
        if within:
            within = "" if _closes(body, within) else within
            if not dropped:
                out.append(line)
            continue
        found = _ASSIGNMENT.match(body)
        if found is None:
            out.append(line)
            continue
        value = found[4].lstrip()
        quoted = value[:1] in ("'", '"') and value[:1]
        within, began = (quoted, number) if quoted and not _closes(value[1:], quoted) else ("", 0)
        dropped = found[2] in values
        if dropped:
            left.pop(found[2], None)
            line = (
                f"{found[1]}{found[2]}{found[3]}{_env_value(found[2], values[found[2]])}{line[len(body) :]}"
            )
        out.append(line)
    if within:
        raise MergeError(f"line {began}: its quote is never closed")
    return _appended("".join(out), [f"{k}={_env_value(k, v)}" for k, v in left.items()])


def _closes(text: str, mark: str) -> bool:
    if mark == "'":
        return "'" in text
    return re.match(r'(?:[^"\\]|\\.)*"', text, re.S) is not None


def _env_value(key: str, value: str | int) -> str:
    """Written so that shells, systemd, phpdotenv and python-dotenv read the same."""
    text = str(value)
    if re.fullmatch(r"[\w./:@%+,-]*", text, re.A):
        return text
    if "'" not in text and "\\\\" not in text and not text.endswith("\\"):
        return f"'{text}'"
    if not re.search(r'["\\$`]', text):
        return f'"{text}"'
    raise MergeError(
        f"{key}: readers of env files differ about such a value (quotes, backslash, $); change it"
    )


def _appended(text: str, lines: list[str]) -> str:
    if not lines:
        return text
    return text + ("" if not text or text.endswith("\n") else "\n") + "".join(f"{x}\n" for x in lines)


# properties -----------------------------------------------------------------------------------------
_PROPERTY = re.compile(r"(\s*)((?:[^\s:=\\]|\\.)+)(\s*[:=]\s*|\s+|\Z)", re.S)


def _properties(text: str, values: dict[str, str | int]) -> str:
    """Java's format, https://docs.oracle.com/javase/8/docs/api/java/util/Properties.html; also Spring's."""
    out, left, lines, i = [], dict(values), text.splitlines(keepends=True), 0
    while i < len(lines):
        whole, last = lines[i], i
        comment = whole.lstrip()[:1] in ("#", "!", "")
        while not comment and _continues(lines[last]) and last + 1 < len(lines):
            last += 1
            whole += lines[last]
        found = None if comment else _PROPERTY.match(whole)
        key = re.sub(r"\\(.)", r"\1", found[2]) if found else None
        if found and key in values:
            left.pop(key, None)
            end = lines[last][len(lines[last].rstrip("\r\n")) :]
            mark = found[3].rstrip("\r\n") or "="
            whole = f"{found[1]}{found[2]}{mark}{_property_value(key, values[key])}{end}"
        out.append(whole)
        i = last + 1
    return _appended("".join(out), [f"{k}={_property_value(k, v)}" for k, v in left.items()])


def _continues(line: str) -> bool:
    body = line.rstrip("\r\n")
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def _property_value(key: str, value: str | int) -> str:
    text = str(value).replace("\\", "\\\\")
    if "${" in text:
        raise MergeError(f"{key}: Spring reads ${{ in a value as a placeholder; change it")
    text = f"\\{text}" if text.startswith(" ") else text
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[n : n + 2], "big") for n in range(0, len(units), 2))
    return "".join(chr(c) if 32 <= c < 127 else f"\\u{c:04x}" for c in codes)


# yaml -----------------------------------------------------------------------------------------------
_ENTRY = re.compile(r"""( *)("[^"]*"|'[^']*'|[^\s'"#&*!|>%@`{}\[\],-][^:#]*?)[ ]*:(?=\s|\Z)(.*)""")


def _yaml(text: str, values: dict[str, str | int]) -> str:
    """Block mappings; a key is its path, `production.host`. A key that is missing is added to its mapping."""
    lines = text.splitlines(keepends=True)
    for path, value in values.items():
        entries = _entries(lines)
        found = [e for e in entries if e[1] == path]
        if len(found) > 1:
            raise MergeError(f"{path} is there twice, in lines {', '.join(str(e[0] + 1) for e in found)}")
        written = _yaml_value(path, value)
        if found:
            number = found[0][0]
            lines[number] = _replaced(lines, number, path, written)
        else:
            _add(lines, entries, path, written)
    return "".join(lines)


def _entries(lines: list[str]) -> list[tuple[int, str, int]]:
    """(line, path, indent) of every key of a block mapping."""
    found: list[tuple[int, str, int]] = []
    above: list[tuple[int, str]] = []
    block = -1
    for number, line in enumerate(lines):
        bare = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if not bare or bare.startswith("#") or (block >= 0 and indent > block):
            continue
        block = -1
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise MergeError(f"line {number + 1}: a tab in front")
        while above and above[-1][0] >= indent:
            above.pop()
        entry = _ENTRY.match(line.rstrip("\r\n"))
        if bare.startswith("- ") or entry is None:
            above.append((indent, "-"))
            continue
        above.append((indent, entry[2].strip("'\"")))
        found.append((number, ".".join(k for _, k in above), indent))
        if re.match(r"\s*(?:[&!]\S+\s+)*[|>]", entry[3]):
            block = indent
    return found


def _replaced(lines: list[str], number: int, path: str, written: str) -> str:
    line = lines[number]
    body = line.rstrip("\r\n")
    entry = _ENTRY.match(body)
    assert entry is not None
    value = re.match(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#|>{\[&].*?|)(\s+#.*|\s*)\Z""", entry[3])
    children = any(n > number and e.startswith(f"{path}.") for n, e, _ in _entries(lines))
    if value is None or children:
        raise MergeError(f"line {number + 1}: {path} is no simple value")
    return f"{body[: len(body) - len(entry[3])]} {written}{value[2].rstrip()}{line[len(body) :]}"


def _add(lines: list[str], entries: list[tuple[int, str, int]], path: str, written: str) -> None:
    """At the end of its mapping: Ruby lets a `<<` below win."""
    parent, _, key = path.rpartition(".")
    place = next((e for e in entries if e[1] == parent), None)
    if place is None:
        raise MergeError(f"there is no {parent or 'mapping'} in it that {key} could be added to")
    number, _, indent = place
    head = _ENTRY.match(lines[number].rstrip("\r\n"))
    if head is None or not re.match(r"\s*(&\S+\s*)?(#.*)?\Z", head[3]):
        raise MergeError(
            f"line {number + 1}: {parent} is written in one line; write its keys below each other"
        )
    last, depth = number, indent + 2
    for n in range(number + 1, len(lines)):
        bare, deep = lines[n].strip(), len(lines[n]) - len(lines[n].lstrip(" "))
        if bare and not bare.startswith("#"):
            if deep <= indent:
                break
            depth = deep if last == number else depth
            last = n
    if not lines[last].endswith("\n"):
        lines[last] += "\n"
    lines.insert(last + 1, f"{' ' * depth}{key}: {written}\n")


def _yaml_value(path: str, value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    if "<%" in value or "${" in value:
        raise MergeError(f"{path}: Rails reads <% and Spring ${{ in a value as code; change it")
    return "'" + value.replace("'", "''") + "'"


# php ------------------------------------------------------------------------------------------------
_TOKEN = re.compile(
    r"""(?P<skip>\s+|/\*.*?\*/|(?://|\#(?!\[))[^\n]*|\?>.*?(?:<\?php|<\?=|\Z))"""
    r"""|(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|<<<\s*(['"]?)(?P<end>\w+)\3\n.*?\n\s*(?P=end)\b)"""
    r"""|(?P<word>\$?\w+)|(?P<mark>=>|.)""",
    re.S,
)


def _php(text: str, values: dict[str, str | int]) -> str:
    """define('KEY', ...), 'key' => ... by its path (`mysql.host`), and $variable = ... (`$db_host`)."""
    tokens = _tokens(text)
    changes: list[tuple[int, int, str]] = []
    for key, value in values.items():
        spans = _assignments(text, tokens, key) if key.startswith("$") else _defines(tokens, key)
        if not spans and not key.startswith("$"):
            spans = _array_items(tokens, key)
            if len(spans) > 1:
                lines = ", ".join(str(text.count("\n", 0, a) + 1) for a, _ in spans)
                raise MergeError(
                    f"'{key}' => is there more than once, in lines {lines}; give its path, mysql.{key}"
                )
        if not spans:
            raise MergeError(f"there is no define('{key}', ...), '{key}' => ... or {key} = ... in it")
        changes += [(a, b, _php_value(value)) for a, b in spans]
    for begin, end, written in sorted(changes, reverse=True):
        text = text[:begin] + written + text[end:]
    return text


def _tokens(text: str) -> list[tuple[str, int, int]]:
    """(text, begin, end) of what is code; PHP's strings whole, comments and pages left out."""
    start = re.search(r"<\?(?:php\b|=)", text)
    if start is None:
        raise MergeError("it has no <?php")
    found = [m for m in _TOKEN.finditer(text, start.end()) if m.lastgroup != "skip"]
    tokens = [(m[0], m.start(), m.end()) for m in found]
    for n, (word, begin, _) in enumerate(tokens):
        guarded = any(t[0] in ("'ABSPATH'", '"ABSPATH"') for t in tokens[max(0, n - 3) : n])
        if word in ("__DIR__", "__FILE__") and not guarded:
            line = text.count("\n", 0, begin) + 1
            raise MergeError(f"line {line}: {word} would be livemove's folder; write the folder's name there")
    return tokens


def _value_end(tokens: list[tuple[str, int, int]], n: int, stops: str) -> int:
    """The number of the token that ends the expression which begins at token n."""
    depth = 0
    while n < len(tokens):
        mark = tokens[n][0]
        if depth == 0 and mark in tuple(stops):
            return n
        depth += (mark in ("(", "[", "{")) - (mark in (")", "]", "}"))
        n += 1
    raise MergeError("a value in it does not end")


def _defines(tokens: list[tuple[str, int, int]], key: str) -> list[tuple[int, int]]:
    spans = []
    for n in range(len(tokens) - 4):
        words = [t[0] for t in tokens[n : n + 4]]
        if words[0].lower() == "define" and words[1] == "(" and words[2][1:-1] == key and words[3] == ",":
            spans.append((tokens[n + 4][1], tokens[_value_end(tokens, n + 4, ",)") - 1][2]))
    return spans


def _array_items(tokens: list[tuple[str, int, int]], key: str) -> list[tuple[int, int]]:
    """Items whose path ends with `key`."""
    spans, above, pending = [], [], ""
    for n, (word, _, _) in enumerate(tokens):
        if word in ("[", "(", "{"):
            above.append(pending)
            pending = ""
        elif word in ("]", ")", "}"):
            pending = ""
            if above:
                above.pop()
        elif word in (",", ";"):
            pending = ""
        elif word == "=>" and tokens[n - 1][0][:1] in ("'", '"'):
            pending = tokens[n - 1][0][1:-1]
            path = [a for a in above if a] + [pending]
            if path[-len(key.split(".")) :] == key.split("."):
                spans.append((tokens[n + 1][1], tokens[_value_end(tokens, n + 1, ",])") - 1][2]))
    return spans


def _assignments(text: str, tokens: list[tuple[str, int, int]], key: str) -> list[tuple[int, int]]:
    spans = []
    for n, (_, begin, _) in enumerate(tokens):
        found = re.compile(re.escape(key) + r"\s*=(?![=>])").match(text, begin)
        if found and begin == tokens[n][1] and tokens[n][0].startswith("$"):
            first = next(i for i in range(n, len(tokens)) if tokens[i][1] >= found.end())
            spans.append((tokens[first][1], tokens[_value_end(tokens, first, ";") - 1][2]))
    return spans


def _php_value(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def main(request: str, settings: str) -> int:
    """On a server: print the changed settings; 1 and the reason on stderr when they cannot be changed."""
    with open(request, encoding="utf-8") as f:
        asked = json.load(f)
    try:
        # newlines and bytes that are no UTF-8 stay as they are
        with open(settings, encoding="utf-8", errors="surrogateescape", newline="") as f:
            text = f.read()
        password = json.loads(os.environ["SECRET"])["password"]
        changed = merge(asked["format"], text, {k: fill(v, password) for k, v in asked["values"].items()})
    except (OSError, MergeError) as e:
        print(f"{settings} cannot be changed: {e}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(changed.encode("utf-8", "surrogateescape"))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
