"""Makes the manual page of docs/commands.md: `python tools/man.py docs/commands.md > tenure.1`.

It knows the few things that page is written with: headings, paragraphs, lists, tables and examples.
Whatever builds the package runs it, so it needs nothing but Python.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HEAD = r""".TH TENURE 1
.SH NAME
tenure \- application leadership and leader settings, as Juju has them
.SH SYNOPSIS
.B tenure
.I COMMAND
[\fIOPTIONS\fR] [\fIARGS\fR]
"""

LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)]*\)")
"""Links become their words."""


def manual(page: str) -> str:
    """The page as roff."""
    out, fenced = [HEAD], False
    for line in LINK.sub(r"\1", page).splitlines()[1:]:
        if line.startswith("```"):
            fenced = not fenced
            out.append(".PP\n.nf\n.RS 4" if fenced else ".RE\n.fi")
        elif fenced or line.startswith("    "):
            out.append(_example(line, fenced))
        else:
            out.append(_line(line))
    return "\n".join(part for part in out if part) + "\n"


def _example(line: str, fenced: bool) -> str:
    text = _escaped(line if fenced else line.strip())
    return text or r"\&" if fenced else f".PP\n.nf\n.RS 4\n{text}\n.RE\n.fi"


def _line(line: str) -> str:
    if heading := re.match(r"(#+) +(.*)", line):
        kind = ".SH" if len(heading[1]) == 2 else ".SS"
        return f'{kind} "{_plain(heading[2])}"'
    if line.startswith("|"):
        cells = [_marked(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        rule = all(set(cell) <= {"-", "\\"} for cell in cells)
        return "" if rule else f".TP\n{cells[0] or chr(92) + '&'}\n{'; '.join(cells[1:])}"
    if item := re.match(r"- +(.*)", line):
        return f".IP \\(bu 2\n{_marked(item[1])}"
    return _marked(line.strip()) or ".PP"


def _marked(text: str) -> str:
    """What is code becomes bold."""
    bold = r"\*\*([^*]+)\*\*|`([^`]+)`"
    return re.sub(bold, lambda found: rf"\fB{found[1] or found[2]}\fR", _escaped(text))


def _plain(text: str) -> str:
    return _escaped(text.replace("`", "")).replace('"', r"\(dq")


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write(manual(Path(sys.argv[1]).read_text(encoding="utf-8")))
