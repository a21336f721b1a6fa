# One image per service:  docker build --build-arg SERVICE=strategy .
FROM python:3.11-slim-bookworm AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/venv
COPY requirements/runtime.txt runtime.txt
RUN /opt/venv/bin/pip install --quiet --require-hashes --no-deps --only-binary :all: -r runtime.txt

FROM dependencies AS needed
ARG SERVICE
COPY deploy/container/trim /usr/local/bin/trim
RUN trim "$SERVICE" /opt/venv
WORKDIR /app
COPY shared shared
COPY services services
COPY deploy/redis deploy/redis
COPY deploy/alertmanager deploy/alertmanager
# The operator's `check` and `backtest` are the strategy's own.
RUN case "$SERVICE" in operator) kept="operator strategy" ;; *) kept=$SERVICE ;; esac \
    && mkdir kept && for name in $kept; do mv "services/$name" kept/; done && rm -rf services && mv kept services \
    && /opt/venv/bin/python -m compileall -q shared services

FROM python:3.11-slim-bookworm
ARG SERVICE
RUN test -n "$SERVICE" || { echo "say which: --build-arg SERVICE=strategy" >&2; exit 1; } \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin hedgegrid \
    # Named volumes take owner and mode of the folders they are first mounted on.
    && install -d -o hedgegrid -g hedgegrid -m 0755 /data /auth /state
# Threads of a small service need no memory pools of their own.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2 \
    PYTHONPATH=/app/shared:/app/services/$SERVICE:/app/services/strategy \
    HEDGEGRID_CONFIG=/config/hedgegrid.toml HEDGEGRID_HTTP_HOST=0.0.0.0 HEDGEGRID_HTTP_PORT=9100
COPY --from=needed /opt/venv /opt/venv
COPY --from=needed /app /app
WORKDIR /app
COPY --chmod=0755 deploy/container/start deploy/container/healthy /usr/local/bin/
RUN for user in acl ws-gateway strategy executor metrics operator paper-keys exchange-sim control; do \
        install -d -o hedgegrid -g hedgegrid -m 0755 "/auth/$user"; done \
    && install -d -o 999 -g 999 -m 0700 /auth/redis-data \
    && install -d -o 65534 -g 65534 -m 0700 /routes /keys
ENV SERVICE=$SERVICE
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["start"]
