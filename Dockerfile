# Two stages: the first builds wheels, the second has only what runs.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml setup.cfg README.md LICENSE schema.sql ./
COPY actors actors
COPY storage storage
COPY bot bot
RUN python -m pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="Bartender" \
      org.opencontainers.image.licenses="MIT"
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    python -m pip install --no-cache-dir --no-index /wheels/*.whl \
    && useradd --system --uid 10001 --home-dir /data bartender \
    && install -d -o bartender -g bartender /data
USER 10001
WORKDIR /data
VOLUME /data
# Nothing outside /data and /tmp is written: the root file system may be read-only.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_DATA_HOME=/data \
    LOG_FORMAT=json \
    HEALTH_PORT=8080
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["bartender", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["bartender"]
CMD ["run"]
