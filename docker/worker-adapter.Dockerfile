# Built from the root of the repository: docker build -f docker/worker-adapter.Dockerfile .
FROM node:24.21.0-bookworm-slim AS node

# Only what npm reads, so that a change of source leaves the installed packages cached.
FROM node AS manifests
WORKDIR /fovea
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete

FROM node AS build
WORKDIR /fovea
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY --from=manifests /fovea .
RUN npm ci --no-audit --no-fund
COPY . .
RUN node_modules/.bin/tsc -b apps/worker-adapter \
  && find apps packages -name src -type d -not -path '*/node_modules/*' -prune -exec rm -rf {} +

FROM node AS program
WORKDIR /fovea
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY --from=manifests /fovea .
RUN npm ci --omit=dev --workspace=@fovea/worker-adapter --no-audit --no-fund
COPY --from=build /fovea/packages packages
COPY --from=build /fovea/apps/worker-adapter apps/worker-adapter

FROM node
ENV NODE_ENV=production ADAPTER_OPS_PORT=4000
WORKDIR /fovea
# A named volume takes owner and mode of the folder it is mounted over.
RUN install -d -o node -g node -m 0700 /blobs
COPY --from=program /fovea .
COPY LICENSE NOTICE ./
USER node
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.ADAPTER_OPS_PORT || 4000}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "apps/worker-adapter/dist/main.js"]
CMD ["--config", "/etc/fovea/worker.toml"]
