"""The SOAP messages of a simulated ONVIF device."""

from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree

from ansim.cameras.pointing import Pose

SOAP = "http://www.w3.org/2003/05/soap-envelope"
SCHEMA = "http://www.onvif.org/ver10/schema"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PAN_SPACE = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/PositionGenericSpace"
PAN_SPEED = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/VelocityGenericSpace"
ZOOM_SPACE = "http://www.onvif.org/ver10/tptz/ZoomSpaces/PositionGenericSpace"


def child(asked: etree._Element, name: str) -> str:
    """The text of a request's child, empty when it has none."""
    found = next((one for one in asked if etree.QName(one).localname == name), None)
    return "" if found is None else (found.text or "").strip()


def position(pose: Pose) -> str:
    """A PTZVector's content."""
    return f'<t:PanTilt x="{pose.pan:.6f}" y="{pose.tilt:.6f}"/><t:Zoom x="{pose.zoom:.6f}"/>'


def uri(url: str) -> str:
    """A MediaUri's content."""
    return (
        f"<t:Uri>{escape(url)}</t:Uri><t:InvalidAfterConnect>false</t:InvalidAfterConnect>"
        "<t:InvalidAfterReboot>false</t:InvalidAfterReboot><t:Timeout>PT0S</t:Timeout>"
    )


def space(name: str, uri: str, *, two: bool) -> str:
    """One supported PTZ space."""
    low = "-1" if two else "0"
    span = f"<t:Min>{low}</t:Min><t:Max>1</t:Max>"
    other = f"<t:YRange>{span}</t:YRange>" if two else ""
    return f"<t:{name}><t:URI>{uri}</t:URI><t:XRange>{span}</t:XRange>{other}</t:{name}>"


def reply(namespace: str, name: str, content: str) -> web.Response:
    """The answer to an operation."""
    return envelope(f'<r:{name}Response xmlns:r="{namespace}">{content}</r:{name}Response>', 200)


def fault(code: str, reason: str, status: int) -> web.Response:
    """A SOAP fault with ONVIF's subcode."""
    return envelope(
        '<s:Fault xmlns:ter="http://www.onvif.org/ver10/error"><s:Code><s:Value>s:Sender</s:Value><s:Subcode>'
        f'<s:Value>{code}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">'
        f"{escape(reason)}</s:Text>"
        "</s:Reason></s:Fault>",
        status,
    )


def envelope(content: str, status: int) -> web.Response:
    """A SOAP 1.2 message."""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:t="{SCHEMA}">'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    )
    return web.Response(text=text, status=status, content_type="application/soap+xml")
