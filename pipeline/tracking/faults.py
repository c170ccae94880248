"""The meaning of an error of MLflow: the store may answer later, refuses this user, or refuses what was sent."""

import re

from mlflow.exceptions import MlflowException
from requests import ConnectionError as NoConnection
from requests import Timeout
from sqlalchemy.exc import InterfaceError, OperationalError

from pipeline.errors import StoreAwayError

_TEMPORARY = {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}
"""MLflow's codes for errors that may pass; an unreachable server is an INTERNAL_ERROR."""

_NOT_ALLOWED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}

_REMOTE = r"https?://|(postgresql|mysql|mssql)\b"
"""The beginning of the address of a store on another machine."""

_MISTYPED = r"Invalid url|Invalid URL|Failed to parse|Invalid IPv6"
_FAILED_INSIDE = r"^INTERNAL_ERROR|error code 500|too many 500 error"

_UNKNOWN_ENDPOINT = {"ENDPOINT_NOT_FOUND", "BAD_REQUEST", "NOT_FOUND", "NOT_IMPLEMENTED", "FEATURE_DISABLED"}
"""MLflow's codes for requests that a server does not know."""

_UNKNOWN_TO_A_PROXY = r"error code (404|405|501)\b|\bnot found\b"
"""The words of errors where something in front of MLflow does not know the request and sets no code of MLflow's."""


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(error, StoreAwayError):
        return error.passes
    if isinstance(error, MlflowException):
        return error.error_code in _TEMPORARY and not re.search(_MISTYPED, str(error))
    return isinstance(error, NoConnection | Timeout | OperationalError | InterfaceError)


def failed_inside(error: BaseException) -> bool:
    """Whether the server has answered, and failed at this request; it may fail at it each time."""
    return re.search(_FAILED_INSIDE, str(error)) is not None


def is_away(uri: str, error: BaseException) -> bool:
    """Whether the store at ``uri``, on another machine, does not answer now or refuses this user.

    False for an address that names no store, and for files: those are mended before a study begins.
    """
    return re.match(_REMOTE, uri) is not None and (may_pass(error) or _refuses_for_good(error))


def _refuses_for_good(error: BaseException) -> bool:
    code = error.error_code if isinstance(error, MlflowException) else ""
    return code in _NOT_ALLOWED or "out-of-date database schema" in str(error)


def is_unknown_request(error: MlflowException) -> bool:
    """Whether the server, or a proxy, knows no such request: of logged models, which MLflow has since 3.0, or the like.

    Only for requests that name nothing which may be missing: "not found" is then about the request itself.
    """
    return error.error_code in _UNKNOWN_ENDPOINT or re.search(_UNKNOWN_TO_A_PROXY, str(error), re.I) is not None
