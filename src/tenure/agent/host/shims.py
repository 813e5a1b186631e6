"""Shims for the programs that install software, on the PATH of a charm that may not use them.

A hook runs as the one who started Tenure, unconfined: nothing keeps it from changing the machine.
But a charm that was written for a machine of its own will begin with `apt-get install`, and on a
developer's laptop nobody wants that to happen unasked. So these names are found first on the
hook's PATH. Questions (`dpkg -l`, `apt list`, `snap info`) go on to the real program; all else is
refused in one line. It is a courtesy and no wall: whoever writes `/usr/bin/apt-get` gets there, and
so does `sudo apt-get`, since sudo has a PATH of its own.

Arguments are judged by the first word that is no option. What is not known to be a question is
refused. A simulation (`apt-get -s install`) is a question, unless another word may take it back:
apt reads `--no-simulate`, `--dry-run=false`, `-s no` and `-o APT::Get::Simulate=0`, in any case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tenure.errors import TenureError
from tenure.files import put_link, put_program

APT_LIKE = (
    "apt", "apt-get", "aptitude", "dpkg", "dpkg-reconfigure", "add-apt-repository",
    "apt-add-repository", "apt-key", "apt-mark",
)  # fmt: skip

EXIT_REFUSED = 77
"""Of sysexits.h, "permission denied". Not apt's 100, nor 1: charmhelpers takes those for a lock
that somebody holds, and tries again for minutes."""

OTHERS = ("snap", "yum", "dnf", "apk")

NAMES = (*APT_LIKE, *OTHERS)

SCRIPT = ".shim"

_QUESTIONS: Mapping[str, str] = {
    "apt": "list search show policy showsrc depends rdepends madison changelog download help",
    "apt-get": "changelog download indextargets help",
    "aptitude": "search show versions why why-not changelog download help",
    "dpkg": (
        "-l --list -s --status -L --listfiles -S --search -p --print-avail -V --verify -C --audit "
        "-I --info -c --contents -f --field --get-selections --compare-versions --version --help "
        "-? --print-architecture --print-foreign-architectures --yet-to-unpack --predep-package "
        "--assert-* --validate-*"
    ),
    "apt-key": "list finger export exportall help",
    "apt-mark": "show* help",
    "snap": (
        "list info find search version model known warnings changes change tasks services "
        "connections connection interface interfaces get logs whoami help"
    ),
    "yum dnf": (
        "list info search repolist repoinfo repoquery provides whatprovides deplist check-update "
        "help"
    ),
    "apk": "info list search policy version stats dot manifest",
}
"""Words that ask and change nothing; dpkg's are options."""

_FLAGS: Mapping[str, str] = {
    "apt apt-get aptitude": "--version -v --help -h",
    "add-apt-repository apt-add-repository": "--list -L --help -h",
    "apt-key": "--version --help",
    "apt-mark": "--version -v --help -h",
    "dpkg-reconfigure": "--help -h",
    "snap": "--version --help -h",
    "yum dnf": "--version --help -h",
    "apk": "--version -V --help -h --print-arch",
}
"""Options that make a question of any command line."""

_VALUED: Mapping[str, str] = {
    "apt apt-get aptitude": "-o -c -t -a --option --config-file --target-release --default-release",
    "apt-mark": "-o -c -f --option --config-file --file",
    "yum dnf": "-c -d -e -x --enablerepo --disablerepo --repo --installroot --releasever",
    "apk": "-p -X --root --repository --arch --keys-dir --repositories-file --cache-dir",
}
"""Options whose value is a word of its own, not to be taken for the verb."""

_SIMULATING: Mapping[str, str] = {
    "apt apt-get aptitude": "-s --simulate --just-print --dry-run --recon --no-act",
}
_SIMULATED: Mapping[str, str] = {
    "yes": (
        "install remove purge upgrade dist-upgrade full-upgrade safe-upgrade autoremove build-dep "
        "satisfy"
    ),
}
"""What these programs really only simulate then; apt-get update, for one, is not among it."""

_SIMULATE_WORDS = ("simulate", "just-print", "dry-run", "recon", "no-act")
_NOT_SIMULATING = (
    *("--*@*".replace("@", word) for word in _SIMULATE_WORDS), "*::simulate*",
    "no", "false", "off", "without", "disable", "0", "--config-file*",
)  # fmt: skip
"""Words that may take a simulation back, in any case of letters: apt takes what stands before an
option's name, after its `=` or in the next word for yes or no; the last one wins."""
_SHORT_NOT_SIMULATING = ("-[cs]?*", "-c", "-[!-oatcs]*[cs]*", "--")
"""The same of short options, which may be written together and have their yes or no appended."""

_HELPING: Mapping[str, str] = dict.fromkeys(("apt", "apt-get", "apt-mark", "dpkg", *OTHERS), "")
"""Programs that do nothing but help if there is no verb."""

_SCRIPT = """\
#!/bin/sh
# tenure shim
name=${0##*/}

ours() {
    { read -r first && [ "$first" = '#!/bin/sh' ] && read -r second; } 2>/dev/null <"$1" || return 1
    case $second in
    '# tenure shim' | '# tenure stand-in') ;; # the latter is what version 0.1 wrote
    *) return 1 ;;
    esac
}

pass_on() {
    set -f
    IFS=:
    for folder in $PATH; do
        program=${folder:-.}/$name
        if [ -f "$program" ] && [ -x "$program" ] && ! ours "$program"; then
            unset IFS
            exec "$program" "$@"
        fi
    done
    printf '%s: not found on this machine\\n' "$name" >&2
    exit 127
}

refuse() {
    words="$name${1:+ $*}"
    case $words in
    *[!A-Za-z0-9\\ ._+=:/~-]*) words=$name ;;
    esac
    printf 'tenure: refused "%.200s": it would change this machine, %s\\n' "$words" \
        'where hooks run unconfined; start with --allow-host-changes to let them' >&2
    exit @EXIT_REFUSED
}

verb= simulated= real= value=
for word do
    case "$name $word" in
    @SIMULATING) ;;
    *)
        case $word in
        @REAL) real=yes ;;
        esac
        ;;
    esac
    if [ -n "$value" ]; then
        value=
        continue
    fi
    case "$name $word" in
    @FLAGS) pass_on "$@" ;;
    @VALUED) value=next ;;
    @SIMULATING) simulated=yes ;;
    "dpkg --admindir="* | "dpkg --root="* | "dpkg --no-pager") ;;
    "dpkg "*) : "${verb:=$word}" ;;
    *" -"*) ;;
    *) : "${verb:=$word}" ;;
    esac
done

case "$name $verb" in
@QUESTIONS | @HELPING) pass_on "$@" ;;
esac
case "$simulated$real $verb" in
@SIMULATED) pass_on "$@" ;;
esac
refuse "$@"
"""


def make_shims(folder: Path) -> None:
    """Fill the folder with shims; it is to be on PATH before the real programs.

    Files are put in place by renaming, so hooks may be using the folder. Raises TenureError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        put_program(folder / SCRIPT, _script())
        for name in NAMES:
            put_link(folder / name, SCRIPT)
    except OSError as fault:
        raise TenureError(
            f"cannot make the folder of shims {folder}: {fault.strerror or fault}"
        ) from fault


def _script() -> str:
    tables = {
        "FLAGS": _FLAGS, "VALUED": _VALUED, "SIMULATING": _SIMULATING, "QUESTIONS": _QUESTIONS,
        "HELPING": _HELPING, "SIMULATED": _SIMULATED,
    }  # fmt: skip
    filled = {key: _patterns(table) for key, table in tables.items()}
    filled["REAL"] = " | ".join((*map(_any_case, _NOT_SIMULATING), *_SHORT_NOT_SIMULATING))
    filled["EXIT_REFUSED"] = str(EXIT_REFUSED)
    return re.sub("@([A-Z_]+)", lambda found: filled[found[1]], _SCRIPT)


def _patterns(table: Mapping[str, str]) -> str:
    """The shell's patterns for all `name word` of a table; without words, for `name ` alone."""
    pairs = [
        f"{name} {word}"
        for names, words in table.items()
        for name in names.split()
        for word in words.split() or [""]
    ]
    return " | ".join(f'"{pair[:-1]}"*' if pair.endswith("*") else f'"{pair}"' for pair in pairs)


def _any_case(pattern: str) -> str:
    """The shell's pattern for the same, in capitals or not."""
    return re.sub("[a-z]", lambda found: f"[{found[0]}{found[0].upper()}]", pattern)
