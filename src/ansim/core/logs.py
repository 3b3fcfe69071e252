"""Structured logs: one JSON object a line, or readable lines on a terminal."""

import logging
import sys

import structlog


def configure(*, node: str, json: bool) -> None:
    """Set up logging for the process; ``node`` goes into every line."""
    # Local variables would bring cookies and positions into the log.
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if json else plain
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(frames)
            if json
            else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(node=node)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of one part of the program."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(part=name)
    return logger
