#!/bin/sh
# Unpack such a tar from standard input into an empty data folder and compare every byte with its manifest.
set -eu
umask 077
if [ -e "$PGDATA/PG_VERSION" ]; then
    echo "restore: $PGDATA holds databases already; a restore overwrites nothing" >&2
    exit 1
fi
rm -rf "$PGDATA.restoring"
mkdir -p "$PGDATA.restoring"
tar -x -C "$PGDATA.restoring"
pg_verifybackup --quiet "$PGDATA.restoring"
rm -rf "$PGDATA"
mv "$PGDATA.restoring" "$PGDATA"
sync
