"""Serves the real Swift of Debian 12 in one process: proxy, account, container and object server on free loopback ports,
one device, one replica; only for tests. Prints the port of the proxy once it answers.

Usage: /usr/bin/python3 serve.py <empty folder>
"""
import json
import os
import sys

import eventlet
import eventlet.tpool
import eventlet.wsgi
from swift.common import db, utils

utils.eventlet_monkey_patch()

from swift.common.ring import RingBuilder
from swift.common.http_protocol import SwiftHttpProtocol
from swift.common.wsgi import loadapp

(folder,) = sys.argv[1:]

# What is kept here is forgotten with the process, so that no disk needs to be waited for.
os.fsync = os.fdatasync = lambda _file: None
connected = db.get_db_connection


def unsynced(*arguments, **named):
    connection = connected(*arguments, **named)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


db.get_db_connection = unsynced


class Cache:
    """Instead of memcached, in which tokens are kept: what one process sets, it gets."""

    def __init__(self):
        self.held = {}

    def get(self, key, *_arguments, **_named):
        return self.held.get(key)

    def set(self, key, value, *_arguments, **_named):
        # Tuples come back as lists, as from memcached.
        self.held[key] = json.loads(json.dumps(value))

    def delete(self, key, *_arguments, **_named):
        self.held.pop(key, None)


def cache_factory(_global_configuration, **_local):
    cache = Cache()

    def wrap(app):
        def filtered(environ, start_response):
            environ["swift.cache"] = cache
            return app(environ, start_response)

        return filtered

    return wrap


# Where the pipeline of the proxy finds it.
sys.modules["concordat_cache"] = sys.modules["__main__"]


def end_with_parent():
    """The test runner holds the other end of standard input: when it dies, so do we."""
    os.read(0, 1)
    os._exit(0)


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    return path


write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\nname = one\ndefault = yes\n")
utils.set_swift_dir(folder)
os.makedirs(os.path.join(folder, "devices", "one"))

shared = f"""[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
log_address = /dev/null
fallocate_reserve = 0
"""

sockets = {}
for server in ("account", "container", "object", "proxy"):
    sockets[server] = eventlet.listen(("127.0.0.1", 0))
    port = sockets[server].getsockname()[1]
    if server == "proxy":
        continue
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({"region": 1, "zone": 1, "weight": 1, "device": "one", "ip": "127.0.0.1", "port": port})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, f"{server}.ring.gz"))

configurations = {
    server: write(
        f"{server}.conf",
        f"{shared}[pipeline:main]\npipeline = {server}-server\n[app:{server}-server]\nuse = egg:swift#{server}\n",
    )
    for server in ("account", "container", "object")
}
configurations["proxy"] = write(
    "proxy.conf",
    f"""{shared}
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats tempauth copy slo dlo versioned_writes symlink proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:cache]
paste.filter_factory = concordat_cache:cache_factory

[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
user_test_reader = reading
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
""",
)

def serve(server):
    # What swift.common.wsgi.run_server does, without a hub of its own for each server.
    app = loadapp(configurations[server], global_conf={"log_name": server}, allow_modify_pipeline=server == "proxy")
    eventlet.wsgi.server(
        sockets[server],
        app,
        utils.NullLogger(),
        protocol=SwiftHttpProtocol,
        socket_timeout=60.0,
        capitalize_response_headers=False,
    )


waiting = [eventlet.spawn(serve, server) for server in configurations]
eventlet.sleep(0)
print(json.dumps({"port": sockets["proxy"].getsockname()[1]}), flush=True)


def watch():
    eventlet.tpool.execute(end_with_parent)


eventlet.spawn(watch)
for each in waiting:
    each.wait()
