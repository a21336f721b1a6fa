"""One JSON object per line on stderr, without secrets.

Call `configure_logging` before pybit is imported: pybit adds a handler to an unconfigured root.
"""

import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType

from hedgegrid.runtime.redaction import redact, redact_field, register_secrets

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# They log whole requests and frames, headers included, below WARNING.
_TAMED = ("websocket", "pybit", "urllib3")

_log = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """Format a record as one redacted JSON line.

    It never raises: logging would then print the raw arguments, secrets included.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return ts (ISO UTC, ms), level, service, logger, msg, extra fields, exc."""
        when = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "ts": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "msg": redact(_message(record)),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and name not in line:
                line[name] = redact_field(name, _safe(value))
        exc = _exception(record)
        if exc:
            line["exc"] = redact(exc)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(service: str, level: str = "INFO", secrets: Iterable[str] = ()) -> None:
    """Send all logging, warnings and uncaught exceptions through one redacting handler.

    `level` is a name of the logging module (ValueError if unknown); `secrets` are masked wherever
    they appear, in addition to those which `credentials()` registers.
    """
    register_secrets(secrets)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TAMED:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    # The default hooks print tracebacks unredacted, and request errors quote headers.
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_thread_death


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # any argument's __str__ may raise
        return f"{record.msg} (its arguments could not be formatted)"


def _safe(value: object) -> object:
    try:
        str(value)
    except Exception:
        return f"<{type(value).__name__} without a text form>"
    return value


def _exception(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip()
    return record.exc_text or ""


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_thread_death(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or issubclass(args.exc_type, SystemExit):
        return
    name = args.thread.name if args.thread else "?"
    _log.critical("thread %s died", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))
