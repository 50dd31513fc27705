"""Which of CodeMirror's modes colours a file, by its name (https://codemirror.net/5/mode/)."""

from __future__ import annotations

from typing import Final

PLAIN: Final = "text/plain"

_BY_SUFFIX: Final = {
    "application/json": "json jsonc json5 jsonl ndjson map webmanifest har",
    "application/x-httpd-php": "php phtml",
    "application/xml": "xml svg xsd xsl xslt rss atom plist csproj",
    "text/css": "css",
    "text/html": "html htm xhtml",
    "text/javascript": "js mjs cjs jsx",
    "text/typescript": "ts mts cts tsx",
    "text/x-c++src": "cpp cc cxx hpp hh",
    "text/x-csharp": "cs",
    "text/x-csrc": "c h",
    "text/x-diff": "diff patch",
    "text/x-dockerfile": "dockerfile containerfile",
    "text/x-go": "go",
    "text/x-ini": "ini cfg cnf conf config env properties service socket timer editorconfig",
    "text/x-java": "java",
    "text/x-kotlin": "kt kts",
    "text/x-less": "less",
    "text/x-lua": "lua",
    "text/x-markdown": "md markdown",
    "text/x-nginx-conf": "nginx",
    "text/x-perl": "pl pm",
    "text/x-python": "py pyi pyw",
    "text/x-ruby": "rb gemspec rake",
    "text/x-rustsrc": "rs",
    "text/x-scss": "scss",
    "text/x-sh": "sh bash zsh ksh ash bashrc bash_profile bash_aliases zshrc profile",
    "text/x-sql": "sql ddl",
    "text/x-toml": "toml",
    "text/x-yaml": "yaml yml",
}
"""The suffixes of each mode; the name of a file that begins with a dot, such as `.env`, is its suffix."""

_BY_NAME: Final = {
    "cargo.lock": "text/x-toml",
    "composer.lock": "application/json",
    "containerfile": "text/x-dockerfile",
    "dockerfile": "text/x-dockerfile",
    "gemfile": "text/x-ruby",
    "nginx.conf": "text/x-nginx-conf",
    "pipfile": "text/x-toml",
    "pipfile.lock": "application/json",
    "poetry.lock": "text/x-toml",
    "rakefile": "text/x-ruby",
    "vagrantfile": "text/x-ruby",
}

_MODES: Final = {suffix: mode for mode, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}

MODES: Final = frozenset(_BY_SUFFIX)
"""All that `mode_for` answers with, beside PLAIN."""


def mode_for(name: bytes) -> str:
    """The mode for a file of this name, as CodeMirror takes it: a media type, PLAIN where none fits."""
    known = name.decode("utf-8", "replace").lower()
    first, _, suffix = known.rpartition(".")
    if known.startswith(("dockerfile.", "containerfile.")):
        return "text/x-dockerfile"
    if known.startswith(".env."):
        return "text/x-ini"
    return _BY_NAME.get(known) or (_MODES.get(suffix, PLAIN) if first or known.startswith(".") else PLAIN)
