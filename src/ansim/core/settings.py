"""Settings of a node: one typed class, read from TOML and then the environment.

``ANSIM_<FIELD>`` (or ``ANSIM_<SECTION>_<FIELD>``) overrides the file. Unknown keys are refused, because a
misspelt deadline that silently keeps its default is worse than a node that does not start.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and the remedy."""


class BusSettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The message bus."""

    url: Annotated[str, Meta(description="NATS cluster to use; empty starts the embedded nats-server")] = ""
    port: Annotated[Port, Meta(description="client port of the embedded server; 0 picks a free one")] = 0
    leaf_port: Annotated[Port, Meta(description="hub: port on which centers' leaf links arrive")] = 8710
    hub_leaf_url: Annotated[
        str, Meta(description="center: leaf address of the hub, nats-leaf://host:port")
    ] = ""
    leaf_user: Annotated[
        str, Meta(description="center: name in the leaf link's sign-in; default its code")
    ] = ""
    leaf_password: Annotated[
        str, Meta(description="center: secret of its leaf link, given by the hub's administrator")
    ] = ""


class PolicySettings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Deadlines and thresholds that a city may set."""

    cancel_window_s: Annotated[
        float,
        Meta(ge=0, le=60, description="seconds in which the person can cancel before people are alarmed"),
    ] = 5.0
    center_ack_s: Annotated[
        Seconds, Meta(description="a center's database must have the SOS within this, else the next center")
    ] = 2.0
    accept_s: Annotated[Seconds, Meta(description="an operator must accept within this, else co-alarm")] = (
        15.0
    )
    agency_s: Annotated[
        Seconds, Meta(description="unaccepted after this: the agency is asked directly, marked unverified")
    ] = 30.0
    handover_share: Annotated[
        float,
        Meta(gt=0.5, le=1, description="share of her circle inside the next area that counts as across"),
    ] = 0.9
    handover_fixes: Annotated[
        int, Meta(ge=1, le=20, description="consecutive fixes across the border before ownership moves")
    ] = 2
    handover_rest_s: Annotated[
        float, Meta(ge=0, description="seconds between two hand-overs of one incident")
    ] = 20.0
    footage_days: Annotated[
        float, Meta(gt=0, le=3650, description="center: days until recorded footage is destroyed")
    ] = 30.0


class Settings(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Everything a node needs to know before it starts."""

    role: Annotated[Literal["hub", "center"], Meta(description="what this node is")] = "hub"
    code: Annotated[
        str, Meta(pattern="^[a-z0-9-]{2,16}$", description="the node's code: hub, or the municipality's code")
    ] = "hub"
    name: Annotated[str, Meta(min_length=1, max_length=60, description="name shown to people")] = "허브"
    data: Annotated[str, Meta(description="folder for database, bus, secrets and boundaries")] = "var"
    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="HTTP port")] = 8700
    database_url: Annotated[str, Meta(description="SQLAlchemy URL; empty is SQLite in the data folder")] = ""
    public_url: Annotated[
        str, Meta(description="address people reach this node at; empty: http://host:port")
    ] = ""
    secure_cookies: Annotated[
        bool, Meta(description="mark cookies Secure (browsers accept that on https and on localhost)")
    ] = True
    demo: Annotated[bool, Meta(description="demonstration: sign-ins are shown, SMS is printed")] = False
    sms: Annotated[Literal["print", "none"], Meta(description="adapter of the SMS port")] = "print"
    centers: Annotated[
        dict[str, str],
        Meta(description="hub: the centers enrolled, code = secret of their leaf link"),
    ] = msgspec.field(default_factory=dict)
    bus: BusSettings = BusSettings()
    policy: PolicySettings = PolicySettings()

    @property
    def data_dir(self) -> Path:
        """The data folder as a path."""
        return Path(self.data)

    @property
    def url(self) -> str:
        """Where people reach this node."""
        return self.public_url or f"http://{self.host}:{self.port}"


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Read settings from a TOML file, the environment, then explicit overrides.

    Raises SettingsError naming the key that is wrong.
    """
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise SettingsError(
                f"cannot read {path}: {error.strerror}; give --config an existing file"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path} is not TOML: {error}") from error
    for name, section, kind, _meta, _default in fields():
        value = environ.get(f"ANSIM_{name.replace('.', '_').upper()}")
        if value is not None:
            target = raw.setdefault(section, {}) if section else raw
            target[name.rpartition(".")[2]] = _from_text(value, kind)
    raw |= overrides
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path or 'settings'}: {error}; see `ansim config --explain`") from error


def fields() -> Iterator[tuple[str, str, Any, Meta, Any]]:
    """Every setting as (dotted name, section, type, meta, default), for reading and for explaining."""
    yield from _fields(Settings, "")


def _fields(struct: type[Struct], section: str) -> Iterator[tuple[str, str, Any, Meta, Any]]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, Struct):
            yield from _fields(hint, field.name)
            continue
        meta, base = Meta(), hint
        while get_origin(base) is Annotated:
            inner, *metas = get_args(base)
            meta = next((m for m in reversed(metas) if isinstance(m, Meta) and m.description), meta)
            base = inner
        default = {} if field.default is msgspec.NODEFAULT else field.default
        yield (f"{section}.{field.name}" if section else field.name), section, base, meta, default


def _from_text(value: str, kind: Any) -> Any:
    if kind is bool:
        return value.strip().lower() in {"1", "true", "yes", "on"}
    if get_origin(kind) is dict:
        return msgspec.json.decode(value)
    return value
