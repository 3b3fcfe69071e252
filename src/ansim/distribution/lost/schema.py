"""The RELAX NG schemas of the standards, compiled once."""

from functools import cache
from importlib.resources import as_file, files
from typing import Literal

from lxml import etree


@cache
def schema(name: Literal["lost1", "lostsync1"]) -> etree.RelaxNG:
    """``lost1``: RFC 5222, appendix A; ``lostsync1``: RFC 6739, section 7."""
    resource = files("ansim.distribution.lost").joinpath("data", f"{name}.rng")
    with as_file(resource) as path:
        return etree.RelaxNG(etree.parse(path))
