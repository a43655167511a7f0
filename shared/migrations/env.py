"""How Alembic reaches a service's database; one environment for all services."""

from alembic import context
from sqlalchemy import NullPool, create_engine, text

with create_engine(context.config.attributes["url"], poolclass=NullPool).connect() as connection:
    connection.execute(text("select pg_advisory_lock(hashtext('gemba.migrate'))"))  # waits for whoever migrates now
    connection.execute(text("set lock_timeout = '5s'"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
