#!/bin/sh
# One base backup of the whole server, with the WAL that was written meanwhile, as a tar on standard output.
# Runs beside the server in its own network: replication is allowed from there alone.
set -eu
PGPASSWORD=$(cat /run/secrets/postgres-superuser)
export PGPASSWORD
exec pg_basebackup --host 127.0.0.1 --username postgres --no-password --format tar --wal-method fetch \
    --checkpoint fast --manifest-checksums SHA256 --pgdata -
