#!/bin/sh
# Makes the two databases of Temporal and brings them to the schema of this image. Safe to repeat.
set -eu

tool() {
  temporal-sql-tool --plugin postgres12 --endpoint database --port 5432 --user temporal "$@"
}

for database in temporal temporal_visibility; do
  case $database in
    temporal) versions=/etc/temporal/schema/postgresql/v12/temporal/versioned ;;
    temporal_visibility) versions=/etc/temporal/schema/postgresql/v12/visibility/versioned ;;
  esac
  tool --database "$database" create
  tool --database "$database" setup-schema --version 0.0
  tool --database "$database" update-schema --schema-dir "$versions"
done
