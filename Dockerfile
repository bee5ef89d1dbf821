FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The packaged Node runtimes are for machines that have none; the native checksum of the Kafka client stays.
RUN npm ci --omit=dev \
  && rm -rf node_modules/node-linux-* node_modules/.bin node_modules/.package-lock.json \
  && node -e "require('@node-rs/crc32')"

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Tributary" \
  org.opencontainers.image.description="Self-hosted ingestion server that speaks Segment's HTTP Tracking API" \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
  MALLOC_ARENA_MAX=1 \
  PATH=/app/bin:$PATH \
  HOST=0.0.0.0 \
  ADMIN_HOST=0.0.0.0 \
  DATA_DIR=/data \
  CONFIG_FILE=/data/tributary.yml
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY LICENSE openapi.yml package.json ./
COPY schemas schemas
COPY docker docker
COPY bin bin
COPY src src
# Node keeps compiled code for each user by itself: a first start as the one who will run it, with a Kafka that is away, so
# that every start to come finds its code compiled. Afterwards nobody but root may change what is kept.
RUN install -d -o node -g node node_modules/.cache/tributary /tmp/first \
  && echo 'sources: [{ id: first, writeKeys: [wk_first] }]' >/tmp/first/tributary.yml \
  && CONFIG_FILE=/tmp/first/tributary.yml DATA_DIR=/tmp/first/data KAFKA_BROKERS=127.0.0.1:9 LOG_LEVEL=error \
    setpriv --reuid=node --regid=node --clear-groups \
    docker/first-start.sh docker/entrypoint.sh \
  && chown -R root:root node_modules/.cache && chmod -R a+rX node_modules/.cache \
  && rm -rf /tmp/first
# A new volume takes the owner of the folder that it covers.
RUN install -d -o node -g node -m 0750 /data
USER node
VOLUME /data
EXPOSE 3000 3001
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["node", "docker/healthcheck.ts"]
ENTRYPOINT ["docker/entrypoint.sh"]
