# hadolint global ignore=DL3008,DL3049,DL3066
# Debian's PostgreSQL with the environment of the official image, which cannot be pulled everywhere.
FROM python:3.13-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o postgres /var/lib/postgresql/data
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data
USER postgres
CMD ["sh", "-ec", "\
  if ! [ -s \"$PGDATA/PG_VERSION\" ]; then \
    printf %s \"$POSTGRES_PASSWORD\" >/tmp/password; \
    initdb --auth=scram-sha-256 --username=\"$POSTGRES_USER\" --pwfile=/tmp/password >/dev/null; \
    echo 'host all all all scram-sha-256' >>\"$PGDATA/pg_hba.conf\"; \
    echo \"CREATE DATABASE $POSTGRES_DB\" | postgres --single postgres >/dev/null; \
  fi; \
  exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp"]
