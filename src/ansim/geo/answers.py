"""Answers to *who is responsible for this shape?*, one by one and in columns."""

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for a shape.

    ``method``: *contains* (the shape lies in one boundary), *overlap* (it has the greatest share of the
    shape), *nearest* (the shape is outside every boundary: a marked default, ``distance_m`` away).
    ``others``: codes of the other boundaries the shape touches, greatest overlap first.
    """

    center_code: str
    center_name: str
    method: str
    approximate: bool
    distance_m: float = 0.0
    others: tuple[str, ...] = ()


class Columns(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Answers for n shapes, column by column; ``columns[i]`` is the answer for the i-th shape."""

    codes: tuple[str, ...]
    """Codes of all boundaries of the set; the other columns count in them."""
    names: tuple[str, ...]
    approximate: bool
    index: Indices
    """Which boundary answers, n."""
    method: npt.NDArray[np.str_]
    distance_m: Array
    others: dict[int, tuple[int, ...]]
    """Other boundaries touched, by shape, only for the shapes that touch any."""

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, place: int) -> Answer:
        index = int(self.index[place])
        return Answer(
            center_code=self.codes[index],
            center_name=self.names[index],
            method=str(self.method[place]),
            approximate=self.approximate,
            distance_m=float(self.distance_m[place]),
            others=tuple(self.codes[other] for other in self.others.get(place % len(self), ())),
        )


class Draft:
    """Columns in the making for ``count`` shapes: index -1 where nobody answers yet."""

    def __init__(self, count: int) -> None:
        self.index: Indices = np.full(count, -1, dtype=np.intp)
        self.method: npt.NDArray[np.str_] = np.full(count, "contains", dtype="<U8")
        self._distance: Array = np.zeros(count)
        self._others: dict[int, tuple[int, ...]] = {}

    def rank(self, place: Indices, owner: Indices) -> None:
        """Take the first row of every place as its answer, the following ones as the others."""
        at, first, count = np.unique(place, return_index=True, return_counts=True)
        self.index[at] = owner[first]
        more = count > 1
        for where, start, rows in zip(at[more], first[more], count[more], strict=True):
            self._others[int(where)] = tuple(int(other) for other in owner[start + 1 : start + rows])

    def open(self) -> Indices:
        """The shapes nobody answers for yet."""
        return np.flatnonzero(self.index < 0)

    def default(self, place: Indices, owner: Indices, distance_m: Array) -> None:
        """Give shapes outside every boundary to the nearest."""
        self.index[place] = owner
        self.method[place] = "nearest"
        self._distance[place] = distance_m

    def columns(self, codes: tuple[str, ...], names: tuple[str, ...], approximate: bool) -> Columns:
        return Columns(
            codes=codes,
            names=names,
            approximate=approximate,
            index=self.index,
            method=self.method,
            distance_m=self._distance,
            others=self._others,
        )
