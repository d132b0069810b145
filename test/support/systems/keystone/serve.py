"""Serves the real Keystone of Debian 12 on one loopback port; only for tests.

Usage: OS_KEYSTONE_CONFIG_FILES=<keystone.conf> /usr/bin/python3 serve.py <port>
"""
import os
import sys
import threading

from keystone.server import wsgi
from werkzeug.serving import WSGIRequestHandler, run_simple


class QuietHandler(WSGIRequestHandler):
    """Speaks HTTP/1.1, so that clients may keep connections, and logs no request line."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *arguments, **named):
        pass


def end_with_parent():
    """The test runner holds the other end of standard input: when it dies, so do we."""
    sys.stdin.buffer.read()
    os._exit(0)


# Keystone parses the arguments that are left, so the port must not be among them.
port = int(sys.argv.pop())
threading.Thread(target=end_with_parent, daemon=True).start()
run_simple(
    "127.0.0.1",
    port,
    wsgi.initialize_public_application(),
    threaded=True,
    request_handler=QuietHandler,
)
