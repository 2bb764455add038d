"""What was asked of the service, and the errors that say it could not be answered whole. None ever holds the key."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """What was asked for, in the words of an error; ``place`` is where in a walk over pages, from its second page."""

    endpoint: str
    ticker: str | None = None
    window: str | None = None
    place: str | None = None

    def __str__(self) -> str:
        return " ".join(part for part in (self.endpoint, self.ticker, self.window) if part)


class PolygonError(Exception):
    """The service refused, failed, or answered with what cannot be the whole truth.

    Attributes: ``what`` happened, ``endpoint``, ``ticker`` and ``window`` asked for, HTTP ``status`` (None: no reply).
    """

    def __init__(self, what: str, asked: Asked, status: int | None = None) -> None:
        super().__init__(what, asked, status)
        self.what, self.asked, self.status = what, asked, status
        self.endpoint, self.ticker, self.window = asked.endpoint, asked.ticker, asked.window

    def __str__(self) -> str:
        place = f" ({self.asked.place})" if self.asked.place else ""
        return f"{self.asked}: {self.what}{place}"


class PolygonUnavailableError(PolygonError):
    """What may pass did not within all attempts: ask again later. ``retry_after``: seconds the service asked for."""

    retry_after: float = 0.0


class PolygonNotFoundError(PolygonError):
    """The service knows no such thing (its own 404, not that of an unknown path)."""
