"""Makes an empty Keystone: the same four `keystone-manage` commands as by hand, in one process because each start costs seconds.

Usage: OS_BOOTSTRAP_PASSWORD=<password> /usr/bin/python3 prepare.py <keystone.conf> <database file> <public url>
"""
import getpass
import grp
import os
import sqlite3
import sys

from keystone.cmd import cli

configuration, database, public_url = sys.argv[1:]
owner = ["--keystone-user", getpass.getuser(), "--keystone-group", grp.getgrgid(os.getgid()).gr_name]
for command in (
    ["db_sync"],
    ["fernet_setup", *owner],
    ["credential_setup", *owner],
    ["bootstrap", "--bootstrap-region-id", "sovereign-1", "--bootstrap-public-url", public_url],
):
    cli.main(["keystone-manage", "--config-file", configuration, *command])
    cli.CONF.reset()

# Without it, Keystone answers 500 "database is locked", even to requests made one after another.
connection = sqlite3.connect(database)
connection.execute("PRAGMA journal_mode=WAL")
connection.close()
