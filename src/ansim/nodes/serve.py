"""Running a node's application under uvicorn."""

import sys

import uvicorn

from ansim.core import logs
from ansim.core.settings import Settings


def serve(settings: Settings) -> None:
    """Run the node until it is told to stop (SIGTERM, SIGINT)."""
    logs.configure(node=settings.code, json=not sys.stderr.isatty())
    if settings.role == "hub":
        from ansim.nodes.hub import hub as build
    else:
        from ansim.nodes.center import center as build
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # video does not get smaller, it only costs a core
        ws_max_size=65_536,  # what a page may send
        access_log=False,
        log_level="warning",
        server_header=False,
        backlog=2048,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,  # open streams would hold the node for ever; screens resume
    )
