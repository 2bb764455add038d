"""A vendor whose answers a test writes down: what the datasets ask, answered in order and remembered."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Vendor:
    """Each keyword is a method of the client: a function of its arguments. ``asked`` holds (method, arguments)."""

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self._answers = answers

    def __getattr__(self, method: str) -> Callable[..., Any]:
        answer = self._answers[method]

        def ask(*arguments: Any, **named: Any) -> Any:
            self.asked.append((method, (*arguments, *named.values())))
            return answer(*arguments, **named)

        return ask

    def in_parallel(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """One after another."""
        return map(function, items)
