"""The compare of bench/compare as other engines do it: same records, same differences, same digest over them.

    rivals.py prepare  FOLDER            rows/*.jsonl to rows/*.parquet, with a stored digest of the fields
    rivals.py ENGINE   FOLDER            measures one engine; prints one JSON object
    rivals.py postgresql FOLDER          starts a cluster of its own (PostgreSQL from the packages of Debian)

What is measured begins at the files and ends with the differing records in memory. For PostgreSQL it begins with an empty
database: COPY, then the join; time is of the clock on the wall there, since the server is another process.
"""

import hashlib
import json
import os
import pathlib
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

NAMES = ("base", "left", "right")
FIELDS = (
    "STRUCT(active BOOLEAN, department VARCHAR, displayName VARCHAR, mail VARCHAR, manager VARCHAR, "
    "roles VARCHAR[], teams VARCHAR[], title VARCHAR)"
)


def rows(folder, name, ending):
    return str(pathlib.Path(folder, "rows", f"{name}.{ending}"))


def duckdb_connection():
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute("SET preserve_insertion_order = false")
    return connection


def prepare(folder):
    connection = duckdb_connection()
    for name in NAMES:
        connection.execute(
            f"""COPY (SELECT key, unnest(fields), unhex(md5(to_json(fields)::VARCHAR)) AS digest
                FROM read_json('{rows(folder, name, "jsonl")}', format = 'newline_delimited',
                               columns = {{key: 'VARCHAR', fields: '{FIELDS}'}}))
                TO '{rows(folder, name, "parquet")}' (FORMAT parquet, COMPRESSION zstd)"""
        )
    return []


def duckdb_json_lines(folder):
    """Parses every row; the join compares the fields as they are."""
    source = {
        name: f"""read_json('{rows(folder, name, "jsonl")}', format = 'newline_delimited',
                            columns = {{key: 'VARCHAR', fields: '{FIELDS}'}})"""
        for name in NAMES
    }
    return (
        duckdb_connection()
        .execute(
            f"""SELECT coalesce(b.key, l.key, r.key), b.fields, l.fields, r.fields
                FROM {source["base"]} b
                FULL JOIN {source["left"]} l ON l.key = b.key
                FULL JOIN {source["right"]} r ON r.key = coalesce(b.key, l.key)
                WHERE b.fields IS DISTINCT FROM l.fields OR b.fields IS DISTINCT FROM r.fields"""
        )
        .fetchall()
    )


def duckdb_parquet(folder):
    """Joins on the stored digests, and fetches the fields of what differs."""
    connection = duckdb_connection()
    file = {name: f"'{rows(folder, name, 'parquet')}'" for name in NAMES}
    connection.execute(
        f"""CREATE TEMP TABLE differing AS
            SELECT coalesce(b.key, l.key, r.key) AS key
            FROM (SELECT key, digest FROM {file["base"]}) b
            FULL JOIN (SELECT key, digest FROM {file["left"]}) l ON l.key = b.key
            FULL JOIN (SELECT key, digest FROM {file["right"]}) r ON r.key = coalesce(b.key, l.key)
            WHERE b.digest IS DISTINCT FROM l.digest OR b.digest IS DISTINCT FROM r.digest"""
    )
    struct = (
        "{'active': active, 'department': department, 'displayName': displayName, 'mail': mail, 'manager': manager, "
        "'roles': roles, 'teams': teams, 'title': title}"
    )
    fetched = {
        name: f"(SELECT key, {struct} AS fields FROM {file[name]} WHERE key IN (SELECT key FROM differing))"
        for name in NAMES
    }
    return connection.execute(
        f"""SELECT d.key, b.fields, l.fields, r.fields FROM differing d
            LEFT JOIN {fetched["base"]} b ON b.key = d.key
            LEFT JOIN {fetched["left"]} l ON l.key = d.key
            LEFT JOIN {fetched["right"]} r ON r.key = d.key"""
    ).fetchall()


def polars_parquet(folder):
    """As duckdb_parquet."""
    import polars

    digests = [
        polars.scan_parquet(rows(folder, name, "parquet")).select("key", polars.col("digest").alias(name))
        for name in NAMES
    ]
    joined = digests[0].join(digests[1], on="key", how="full", coalesce=True)
    joined = joined.join(digests[2], on="key", how="full", coalesce=True)
    differing = (
        joined.filter(
            polars.col("base").ne_missing(polars.col("left")) | polars.col("base").ne_missing(polars.col("right"))
        )
        .select("key")
        .collect()
    )
    found = {key: [None, None, None] for key in differing["key"].to_list()}
    for index, name in enumerate(NAMES):
        fetched = (
            polars.scan_parquet(rows(folder, name, "parquet"))
            .join(differing.lazy(), on="key", how="semi")
            .drop("digest")
            .collect()
        )
        for row in fetched.iter_rows(named=True):
            found[row.pop("key")][index] = row
    return [(key, *present) for key, present in found.items()]


def polars_json_lines(folder):
    """Parses every row; the join compares the fields as they are."""
    import polars

    text, texts = polars.String, polars.List(polars.String)
    fields = {
        "active": polars.Boolean,
        "department": text,
        "displayName": text,
        "mail": text,
        "manager": text,
        "roles": texts,
        "teams": texts,
        "title": text,
    }
    frames = [
        polars.scan_ndjson(rows(folder, name, "jsonl"), schema={"key": text, "fields": polars.Struct(fields)}).select(
            "key", polars.col("fields").alias(name), polars.lit(True).alias(f"in {name}")
        )
        for name in NAMES
    ]
    joined = frames[0].join(frames[1], on="key", how="full", coalesce=True)
    joined = joined.join(frames[2], on="key", how="full", coalesce=True)
    differs = polars.lit(False)
    for name in NAMES[1:]:
        differs = differs | polars.col("in base").ne_missing(polars.col(f"in {name}"))
        for field in fields:
            one, other = (polars.col(side).struct.field(field) for side in ("base", name))
            differs = differs | one.ne_missing(other)
    collected = joined.filter(differs).collect()
    return [
        (row["key"], *(row[name] if row[f"in {name}"] else None for name in NAMES))
        for row in collected.iter_rows(named=True)
    ]


class Cluster:
    """A PostgreSQL server on a free port, without fsync: as fast as it goes."""

    def __init__(self):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not programs:
            raise SystemExit("PostgreSQL is missing; on Debian: apt-get install -y --no-install-recommends postgresql")
        self.programs = programs[-1].parent
        self.folder = tempfile.mkdtemp(prefix="concordat-bench-postgresql-")
        self.user = {}
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        data = os.path.join(self.folder, "data")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self.folder}
        subprocess.run(
            [self.programs / "initdb", "-D", data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True,
            **quiet,
            **self.user,
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "port": self.port,
            "fsync": "off",
            "shared_buffers": "512MB",
            "work_mem": "512MB",
            "max_wal_size": "4GB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.server = subprocess.Popen([self.programs / "postgres", "-D", data, *options], **quiet, **self.user)

    def connect(self):
        import psycopg2

        for _ in range(400):
            try:
                return psycopg2.connect(host=self.folder, port=self.port, user="owner", dbname="postgres")
            except psycopg2.OperationalError:
                time.sleep(0.05)
        raise SystemExit("PostgreSQL does not answer")

    def stop(self):
        # SIGINT ends sessions; SIGTERM would wait for them.
        self.server.send_signal(signal.SIGINT)
        self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def postgresql_join(connection, folder):
    """The fields as one text, which is the least that it can compare."""
    with connection.cursor() as cursor:
        for name in NAMES:
            cursor.execute(f'CREATE UNLOGGED TABLE "{name}" (key text, fields text)')
            with open(rows(folder, name, "tsv"), "rb") as file:
                cursor.copy_expert(f'COPY "{name}" FROM STDIN', file)
        cursor.execute(
            """SELECT coalesce(b.key, l.key, r.key), b.fields, l.fields, r.fields FROM "base" b
               FULL JOIN "left" l ON l.key = b.key
               FULL JOIN "right" r ON r.key = coalesce(b.key, l.key)
               WHERE b.fields IS DISTINCT FROM l.fields OR b.fields IS DISTINCT FROM r.fields"""
        )
        found = cursor.fetchall()
    parse = lambda text: None if text is None else json.loads(text)
    return [(key, *(parse(text) for text in present)) for key, *present in found]


def backend_peak_mb(connection):
    with open(f"/proc/{connection.get_backend_pid()}/status", encoding="ascii") as status:
        peak = next(line for line in status if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def digest_of(found):
    lines = sorted(
        json.dumps(list(row), sort_keys=True, separators=(",", ":"), ensure_ascii=False) for row in found
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


ENGINES = {
    "prepare": prepare,
    "duckdbJsonLines": duckdb_json_lines,
    "duckdbParquet": duckdb_parquet,
    "polarsJsonLines": polars_json_lines,
    "polarsParquet": polars_parquet,
}


def main():
    engine, folder = sys.argv[1:]
    cluster = Cluster() if engine == "postgresql" else None
    try:
        connection = cluster.connect() if cluster else None
        # Loading the engine is no part of what is measured, as it is none for ours.
        for module in ("duckdb", "polars"):
            if engine.startswith(module):
                __import__(module)
        before = time.perf_counter()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        found = postgresql_join(connection, folder) if connection else ENGINES[engine](folder)
        wall_ms = (time.perf_counter() - before) * 1000
        now = resource.getrusage(resource.RUSAGE_SELF)
        cpu_ms = (now.ru_utime - usage.ru_utime + now.ru_stime - usage.ru_stime) * 1000
        peak_mb = now.ru_maxrss / 1024 if connection is None else backend_peak_mb(connection)
        outcome = {
            "wallMs": wall_ms,
            "cpuMs": cpu_ms if connection is None else wall_ms,
            "peakRssMb": peak_mb,
            "count": len(found),
            "digest": digest_of(found),
        }
        print(json.dumps(outcome))
    finally:
        if cluster:
            cluster.stop()


main()
