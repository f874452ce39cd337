"""The two ways in which the functions of the backdrops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["inlined", "jit"]

_Function = TypeVar("_Function", bound=Callable[..., object])

# Without numba's memory manager (`_nrt`) arrays that are handed on are not counted, which takes
# three quarters of the time; the functions then cannot make arrays.
_OPTIONS: dict[str, Any] = {"cache": True, "fastmath": True, "error_model": "numpy", "_nrt": False}


def jit(function: _Function) -> _Function:
    """Return a function compiled by numba, kept on disk: fast arithmetic, one thread, no arrays."""
    return cast(_Function, numba.njit(function, **_OPTIONS))


def inlined(function: _Function) -> _Function:
    """Return a function compiled as :func:`jit` does, and made part of those that call it."""
    return cast(_Function, numba.njit(function, forceinline=True, **_OPTIONS))
