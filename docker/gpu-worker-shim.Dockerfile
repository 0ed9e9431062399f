# Built from the root of the repository: docker build -f docker/gpu-worker-shim.Dockerfile .
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
RUN node_modules/.bin/tsc -b apps/gpu-worker-shim \
  && find apps packages -name src -type d -not -path '*/node_modules/*' -prune -exec rm -rf {} +

FROM node AS program
WORKDIR /fovea
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY --from=manifests /fovea .
RUN npm ci --omit=dev --workspace=@fovea/gpu-worker-shim --no-audit --no-fund \
  && rm -rf node_modules/onnxruntime-node/bin/napi-v6/darwin node_modules/onnxruntime-node/bin/napi-v6/win32
COPY --from=build /fovea/packages packages
COPY --from=build /fovea/apps/gpu-worker-shim apps/gpu-worker-shim

FROM node
ENV NODE_ENV=production SHIM_MODELS=/fovea/models
WORKDIR /fovea
COPY --from=program /fovea .
COPY models models
COPY LICENSE NOTICE ./
USER node
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.SHIM_PORT || 8000}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "apps/gpu-worker-shim/dist/main.js"]
