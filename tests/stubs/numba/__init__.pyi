"""What qsim uses of numba: a compiled function keeps the types of the Python one."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

_F = TypeVar("_F", bound=Callable[..., Any])

@overload
def njit(function: _F, /) -> _F: ...
@overload
def njit(
    *,
    cache: bool = ...,
    nogil: bool = ...,
    parallel: bool = ...,
    fastmath: bool | set[str] = ...,
    error_model: str = ...,
) -> Callable[[_F], _F]: ...

prange = range

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
