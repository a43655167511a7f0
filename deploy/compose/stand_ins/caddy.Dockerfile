# Stands in for caddy:2: /usr/bin/caddy, /etc/caddy/Caddyfile, /data and /config, and the same command.
ARG BASE
FROM ${BASE}
COPY caddy /usr/bin/caddy
RUN mkdir -p /data/caddy /config/caddy /etc/caddy /srv
ENV XDG_CONFIG_HOME=/config XDG_DATA_HOME=/data
EXPOSE 80 443 2019
WORKDIR /srv
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
