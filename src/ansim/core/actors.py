"""Who did something: the same three words in events, ledger rows and logs."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ActorKind = Literal["person", "staff", "agency", "system"]


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """The author of an action. ``id`` is opaque; ``name`` is what people are shown."""

    kind: ActorKind
    id: Annotated[str, Meta(max_length=64)]
    name: Annotated[str, Meta(max_length=120)]


def system(node: str) -> Actor:
    """The node itself, acting by rule."""
    return Actor(kind="system", id=node, name=node)
