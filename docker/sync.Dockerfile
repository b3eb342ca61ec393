# The sync: docker build -f docker/sync.Dockerfile -t tablestore-sync .
# python:3.12-slim of September 2026 (3.12.14, Debian 13). To renew it, take the digest that `docker pull` prints.
FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea AS build

# An init: it passes signals on, and buries what the processes leave behind. And a compiler, which stays here.
RUN apt-get update && apt-get install --yes --no-install-recommends tini gcc libc6-dev

WORKDIR /app
COPY requirements.lock ./
# The pinned packages, each checked against its hash, in an environment that is copied as a whole.
RUN python -m venv /opt/sync \
    && /opt/sync/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY scripts/accelerator.py ./scripts/
COPY connectors ./connectors
# The compiled encoder of rows; what built it is not needed any more.
RUN /opt/sync/bin/python -m scripts.accelerator \
    && /opt/sync/bin/pip uninstall --yes cython pip

FROM python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin sync \
    && install -d -o sync -g sync -m 700 /state

COPY --from=build /usr/bin/tini-static /usr/bin/tini
COPY --from=build /opt/sync /opt/sync
WORKDIR /app
COPY connectors ./connectors
COPY flows ./flows
COPY --from=build /app/connectors/tablestore/plainbuffer ./connectors/tablestore/plainbuffer

# The root file system may be read-only: only /state is written to, and nothing is compiled.
ENV PATH=/opt/sync/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    SYNC_CONFIG=/etc/tablestore-sync/config.toml SYNC__HTTP__HOST=0.0.0.0 SYNC__HTTP__PORT=8080
USER sync
VOLUME /state
EXPOSE 8080
STOPSIGNAL SIGTERM
# By progress, not by the port alone: /health says 503 when a restart may help.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health', timeout=4)"]
ENTRYPOINT ["tini", "--", "python", "-m", "connectors.cli"]
# Inside of the volume, whose own mode a cluster may widen.
CMD ["run", "-r", "/state/recovery"]
