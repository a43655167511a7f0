# One image for every service and every one-shot job; the command chooses. Builds with and without BuildKit.
#
#     docker build -t gemba .
#     docker build --build-arg PYTHON_IMAGE=registry.example.org/python:3.11 -t gemba .
#
# The final stage starts from nothing and takes only what Python needs to run: no shell, no package manager, no pip,
# no compiler. Three layers, the rarely changing ones first: Python with its libraries, the packages of the hash lock,
# Gemba. What is left out of the lock, and why, stands in deploy/compose/image/left-out.txt.
ARG PYTHON_IMAGE=python:3.11.16-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b

FROM ${PYTHON_IMAGE} AS made
# Behind an inspecting proxy: the certificates that pip trusts (a file of the base image).
ARG PIP_CERT=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 SOURCE_DATE_EPOCH=1767225600
COPY requirements.lock deploy/compose/image/lock.py deploy/compose/image/left-out.txt /making/
# A folder `wheels` beside this file, where there is one, spares the download; the lock's hashes hold for it too.
COPY requirements.lock wheel[s] /making/wheels/
RUN python3 /making/lock.py /making/requirements.lock /making/left-out.txt > /making/image.lock \
 && python3 -m venv /making/venv \
 && /making/venv/bin/python -m pip install --require-hashes --no-deps --only-binary :all: --no-compile \
      --progress-bar off --quiet --find-links /making/wheels --target /made/packages/opt/gemba/packages -r /making/image.lock
COPY deploy/compose/image/root.py deploy/compose/image/settle.py /making/
RUN python3 /making/root.py /made && python3 /making/settle.py /made/python /made/packages
COPY services /made/app/opt/gemba/app/services
COPY shared /made/app/opt/gemba/app/shared
COPY deploy /made/app/opt/gemba/app/deploy
RUN python3 /making/settle.py /made/app

FROM scratch
COPY --from=made /made/python/ /
COPY --from=made /made/packages/ /
COPY --from=made --chown=10001:10001 /made/state/ /var/lib/gemba/
COPY --from=made /made/app/ /
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Gemba" \
      org.opencontainers.image.description="Training programmes in factories: plan, visit, finding, escalation, verified closure" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/usr/local/bin:/usr/bin \
    PYTHONPATH=/opt/gemba/app:/opt/gemba/packages \
    PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUTF8=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    HOME=/tmp GEMBA_HTTP_HOST=0.0.0.0 GEMBA_HTTP_PORT=8000
WORKDIR /opt/gemba/app
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=10s --start-period=240s --retries=5 \
    CMD ["python3", "-I", "-S", "/opt/gemba/app/deploy/compose/healthy.py"]
CMD ["python3", "-m", "deploy.compose.about"]
