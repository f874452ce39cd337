"""Write settings files for other commands: the standard library only reads TOML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["to_toml"]


def to_toml(table: Mapping[str, Any]) -> str:
    """Return a document of values, tables, and lists of tables; further down tables are inline."""
    return "\n".join(_lines(table, "")) + "\n"


def _lines(table: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Yield a table as TOML: its values, then its tables, then its lists of tables."""
    tables = {k: v for k, v in table.items() if isinstance(v, Mapping) and not prefix}
    arrays = {k: v for k, v in table.items() if _is_tables(v)}
    for key, value in table.items():
        if key not in tables and key not in arrays:
            yield f"{key} = {_value(value)}"
    for key, value in tables.items():
        yield from ("", f"[{key}]")
        yield from _lines(value, f"{key}.")
    for key, values in arrays.items():
        for value in values:
            yield from ("", f"[[{prefix}{key}]]")
            yield from _lines(value, f"{prefix}{key}.")


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _value(value: Any) -> str:
    """Return a value as TOML, whose strings are those of JSON."""
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)} = {_value(inner)}" for key, inner in value.items())
        return f"{{ {', '.join(pairs)} }}"
    return json.dumps(value, ensure_ascii=False)
