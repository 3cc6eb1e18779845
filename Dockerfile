# One image for each service: the chassis and that service, and nothing of the others.
#
#   docker build --build-arg SERVICE=intake --tag motcua/intake .
#   docker build --target chassis --tag motcua/chassis .     operators' commands: secrets, provision, tokens
#   docker build --target gateway --tag motcua/gateway .
#   docker build --target mail --tag motcua/mail .           catches mail, for development
#
# All images share their layers up to the chassis. They hold no secret and run as a user of their own, read-only.

FROM python:3.13-slim AS libraries
RUN python -m venv /venv
COPY requirements/services.txt /tmp/services.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement /tmp/services.txt


FROM python:3.13-slim AS base
# The number is what the files of secrets belong to; see `python -m chassis secrets`.
RUN groupadd --gid 10001 motcua \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin motcua \
 && install --directory --owner motcua --group motcua /var/spool/motcua
# What papers are printed with. Debian 12 has the fonts with Vietnamese letters under the first name, later ones under the second.
# The release of the base image decides the versions.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
 && { apt-get install --yes --no-install-recommends fonts-liberation2 || apt-get install --yes --no-install-recommends fonts-liberation; } \
 && rm -rf /var/lib/apt/lists/*
COPY --from=libraries /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY services/chassis chassis
# Compiled here, since a read-only container cannot keep what it compiles.
RUN python -m compileall -q chassis


FROM base AS chassis
USER 10001:10001
ENTRYPOINT ["python", "-m", "chassis"]


FROM python:3.13-slim AS mail-libraries
RUN python -m venv /venv
COPY requirements/mail.txt /tmp/mail.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement /tmp/mail.txt


FROM python:3.13-slim AS mail
RUN groupadd --gid 10001 motcua \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin motcua \
 && install --directory --owner motcua --group motcua /var/mail/motcua
COPY --from=mail-libraries /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
# Each message becomes a file in the mailbox's directory `new`.
CMD ["python", "-m", "aiosmtpd", "--nosetuid", "--smtputf8", "--listen", "0.0.0.0:1025", \
     "--class", "aiosmtpd.handlers.Mailbox", "/var/mail/motcua/caught"]
EXPOSE 1025


FROM nginx:1.30 AS gateway
RUN install --directory --owner 101 --group 101 /var/spool/gateway /etc/nginx/gateway.d
COPY deploy/gateway/nginx.conf /etc/nginx/nginx.conf
COPY deploy/gateway/gateway.conf.template /etc/nginx/templates/gateway.conf.template
COPY deploy/gateway/static /usr/share/gateway
ENV GATEWAY_PORT=8080 \
    STATIC_DIR=/usr/share/gateway
# The number of the user nginx in the public image.
USER 101:101
EXPOSE 8080


# The last stage is what a build without --target makes.
FROM base AS service
ARG SERVICE
COPY services/${SERVICE} ${SERVICE}
# `service` on the PATH is the service's own command, for `docker compose exec intake-worker service parked list`.
RUN python -m compileall -q "${SERVICE}" \
 && printf '#!/bin/sh\nexec python -m %s "$@"\n' "${SERVICE}" >/usr/local/bin/service \
 && chmod 0755 /usr/local/bin/service
USER 10001:10001
ENTRYPOINT ["service"]
CMD ["web"]
EXPOSE 8000 8100
ARG MOTCUA_VERSION=0.1.0
ARG MOTCUA_COMMIT=unknown
ENV MOTCUA_VERSION=${MOTCUA_VERSION} \
    MOTCUA_COMMIT=${MOTCUA_COMMIT}
LABEL org.opencontainers.image.title="motcua-${SERVICE}" \
      org.opencontainers.image.version="${MOTCUA_VERSION}" \
      org.opencontainers.image.revision="${MOTCUA_COMMIT}"
