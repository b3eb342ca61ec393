# The local Tablestore alone: docker build -f docker/emulator.Dockerfile -t local-tablestore .
FROM python:3.12-slim

RUN useradd --create-home --uid 10001 tablestore \
    && install -d -o tablestore -g tablestore /data

WORKDIR /app
COPY requirements.lock ./
# Of the pinned packages only what the server imports; each is checked against its hash.
RUN sed -n '/^\(aiohttp\|aiohappyeyeballs\|aiosignal\|attrs\|fastcrc\|frozenlist\|idna\|multidict\|propcache\|protobuf\|typing-extensions\|yarl\)==/,/^    # via/p' requirements.lock > emulator.lock \
    && pip install --no-cache-dir --require-hashes -r emulator.lock
COPY emulator ./emulator

USER tablestore
VOLUME /data
EXPOSE 18087
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:18087/-/faults', timeout=2)"]
ENTRYPOINT ["python", "-m", "emulator", "--host", "0.0.0.0", "--open-pages", "--data", "/data"]
