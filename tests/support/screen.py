"""A page without a browser: a snapshot, every change after it, and a resume when the connection breaks."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec

from support.wire import Answer, Broken, Frame, Wire

Shown = dict[str, Any]
WITHIN_S = 40.0
"""How long a test waits for what must happen: long, because only a fault should reach it."""


class Screen:
    """What one page shows, by the rules of the pages' own reducer.

    ``incidents`` maps id to ``{view, timeline, track}``; ``frames`` keeps all that came. A broken
    connection is taken up again with Last-Event-ID, as an EventSource does; an answer other than 200 ends
    the screen.
    """

    def __init__(
        self,
        url: str,
        path: str,
        headers: Mapping[str, str],
        *,
        cursor: int | None = None,
        resume: bool = True,
    ) -> None:
        self._url, self._path, self._headers = url, path, dict(headers)
        self._resume = resume
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.cursor = cursor
        self.incidents: dict[str, Shown] = {}
        self.frames: list[Frame] = []
        self.status: dict[str, Any] = {}
        self.node: dict[str, Any] = {}
        self.answered = 0
        self.connects = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except Broken:
                self.answered = 0
            if not self._resume or self.answered not in (0, 200):
                break
            await asyncio.sleep(0.2)
        async with self._changed:
            self._changed.notify_all()

    async def _follow(self) -> None:
        headers = self._headers | ({} if self.cursor is None else {"last-event-id": str(self.cursor)})
        async with Wire(self._url, headers) as wire:
            async for part in wire.frames(self._path):
                if isinstance(part, Answer):
                    self.answered = part.status
                    self.connects += 1
                    if part.status != 200:
                        return
                    continue
                async with self._changed:
                    self.take(part)
                    self._changed.notify_all()

    @property
    def over(self) -> bool:
        """Whether the stream ended for good."""
        return self._task is not None and self._task.done()

    def take(self, frame: Frame) -> None:
        """One frame, as the page's reducer takes it."""
        self.frames.append(frame)
        data = msgspec.json.decode(frame.data)
        if frame.event == "snapshot":
            self.incidents = {
                shown["view"]["id"]: {key: shown[key] for key in ("view", "timeline", "track")}
                for shown in data["incidents"]
            }
            self.node = data["node"]
        elif frame.event == "change":
            apply(self.incidents, data)
        elif frame.event == "status":
            self.status = data
        if frame.id is not None:
            self.cursor = frame.id

    async def until(self, holds: Callable[["Screen"], Any], within_s: float = WITHIN_S) -> Any:
        """Wait until ``holds`` answers something true, and return that."""
        found: Any = None

        def check() -> bool:
            nonlocal found
            found = holds(self)
            return bool(found) or self.over

        try:
            async with asyncio.timeout(within_s), self._changed:
                await self._changed.wait_for(check)
        except TimeoutError:
            raise AssertionError(f"not within {within_s:.0f} s; the screen shows {self.summary()}") from None
        assert found, f"the stream ended with {self.answered}; the screen shows {self.summary()}"
        return found

    async def view(
        self, incident: str, holds: Callable[[Shown], Any] = bool, within_s: float = WITHIN_S
    ) -> Shown:
        """Wait until the incident is shown and its view is as wanted; returns the view."""

        def shown(screen: "Screen") -> Shown | None:
            one = screen.incidents.get(incident)
            return one["view"] if one is not None and holds(one["view"]) else None

        view: Shown = await self.until(shown, within_s)
        return view

    async def ended(self, within_s: float = WITHIN_S) -> int:
        """Wait for the end of the stream; returns the last answer's status."""
        assert self._task is not None
        await asyncio.wait_for(asyncio.shield(self._task), within_s)
        return self.answered

    def types(self, incident: str) -> list[str]:
        """The kinds of event on the incident's timeline, in order."""
        return [entry["type"] for entry in self.incidents[incident]["timeline"]]

    def summary(self) -> dict[str, str]:
        """State and owner of each incident, to say what a failed test saw."""
        views = {one: shown["view"] for one, shown in self.incidents.items()}
        return {one: f"{view['state']} {(view['owner'] or {}).get('code')}" for one, view in views.items()}


def apply(incidents: dict[str, Shown], change: Shown) -> None:
    """One change, in place: replace the view, merge timeline and track by id in their order."""
    incident = change["incident"]
    if change["kind"] == "gone":
        incidents.pop(incident, None)
        return
    if change["kind"] == "whole":
        incidents[incident] = {key: change[key] for key in ("view", "timeline", "track")}
        return
    shown = incidents.setdefault(incident, {"view": {}, "timeline": [], "track": []})
    shown["view"] = change["view"]
    if change["kind"] == "event":
        shown["timeline"] = _merged(shown["timeline"], [change["event"]])
    elif change["kind"] == "positions":
        shown["track"] = _merged(shown["track"], change["positions"])


def _merged(old: list[Shown], new: list[Shown]) -> list[Shown]:
    by_id = {one["id"]: one for one in (*old, *new)}
    return sorted(by_id.values(), key=lambda one: (one["at"], one["id"]))
