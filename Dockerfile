# One image per service:  docker build --build-arg SERVICE=strategy .
FROM python:3.11-slim-bookworm AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/runtime.txt requirements/runtime.txt
RUN /opt/venv/bin/pip install --quiet --require-hashes --no-deps --only-binary :all: -r requirements/runtime.txt \
    && find /opt/venv -depth \( -name __pycache__ -o -name tests -o -name test \) -type d -exec rm -rf {} + \
    && rm -rf /opt/venv/lib/python3.11/site-packages/pip /opt/venv/bin/pip*

# Only the operator draws: the others go without 120 MB of plotting.
FROM dependencies AS needed
ARG SERVICE
RUN test "$SERVICE" = operator || { cd /opt/venv/lib/python3.11/site-packages \
    && rm -rf matplotlib mpl_toolkits numpy numpy.libs PIL pillow.libs fontTools contourpy kiwisolver; }

FROM python:3.11-slim-bookworm
ARG SERVICE
RUN test -n "$SERVICE" || { echo "say which: --build-arg SERVICE=strategy" >&2; exit 1; } \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin hedgegrid \
    # Named volumes take owner and mode of the folders they are first mounted on.
    && install -d -o hedgegrid -g hedgegrid -m 0755 /data /auth
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp \
    PYTHONPATH=/app/shared:/app/services/$SERVICE \
    HEDGEGRID_CONFIG=/config/hedgegrid.toml HEDGEGRID_HTTP_HOST=0.0.0.0 HEDGEGRID_HTTP_PORT=9100
COPY --from=needed /opt/venv /opt/venv
WORKDIR /app
COPY shared shared
COPY services/$SERVICE services/$SERVICE
COPY deploy/redis deploy/redis
COPY --chmod=0755 deploy/container/start deploy/container/healthy /usr/local/bin/
RUN for user in acl ws-gateway strategy executor metrics operator paper-keys exchange-sim control; do \
        install -d -o hedgegrid -g hedgegrid -m 0755 "/auth/$user"; done \
    && install -d -o 999 -g 999 -m 0700 /auth/redis-data \
    && python -m compileall -q shared services
ENV SERVICE=$SERVICE
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["start"]
