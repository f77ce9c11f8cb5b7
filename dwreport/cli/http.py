"""Answers one request of HTTP on a socket that systemd hands over as standard input (Accept=yes)."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

import click

_PATHS = {"/", "/metrics"}


class _Handler(BaseHTTPRequestHandler):
    """Answers, and ends; nothing is said in a log, for whoever scrapes comes often."""

    timeout = 10
    protocol_version = "HTTP/1.0"  # one request for each connection

    def __init__(self, make: Callable[[], bytes], content_type: str, *given: Any) -> None:
        self._make, self._content_type = make, content_type
        super().__init__(*given)

    def do_GET(self) -> None:
        if self.path.partition("?")[0] not in _PATHS:
            self.send_error(HTTPStatus.NOT_FOUND, explain="There is /metrics alone.")
            return
        try:
            body = self._make()
        except click.ClickException as error:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, explain=error.message)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self._content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "dwreport"

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


def answer(make: Callable[[], bytes], content_type: str) -> None:
    """Answer with what `make` gives. Raise click.ClickException where standard input is no socket."""
    try:
        peer = socket.socket(fileno=os.dup(0))
    except OSError as error:
        raise click.ClickException("--http takes a socket that systemd hands over as standard input, with Accept=yes; "
                                   "dropwatchd-metrics-http.socket of packaging/prometheus is one") from error
    with peer, suppress(ConnectionError, TimeoutError):  # who asked has gone
        partial(_Handler, make, content_type)(peer, "", None)
