"""Compares one table in two databases by reladiff, all columns, and prints how many keys differ.

compare.py LEFT RIGHT COLUMN...
"""
import json
import sys

from reladiff import connect_to_table, diff_tables

left, right, *columns = sys.argv[1:]
tables = [connect_to_table(url.replace("postgres:", "postgresql:", 1), "parcels", "number", extra_columns=tuple(columns)) for url in (left, right)]
print(json.dumps({"keys": len({values[0] for _sign, values in diff_tables(*tables)})}))
