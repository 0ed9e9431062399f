# Built from the root of the repository: docker build -f docker/gateway.Dockerfile .
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
RUN node_modules/.bin/tsc -b apps/gateway \
  && find apps packages -name src -type d -not -path '*/node_modules/*' -prune -exec rm -rf {} +

FROM node AS program
WORKDIR /fovea
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY --from=manifests /fovea .
RUN npm ci --omit=dev --workspace=@fovea/gateway --no-audit --no-fund
COPY --from=build /fovea/packages packages
COPY --from=build /fovea/apps/gateway apps/gateway
COPY --from=build /fovea/apps/playground apps/playground

FROM node
ENV NODE_ENV=production
WORKDIR /fovea
# A named volume takes owner and mode of the folder it is mounted over.
RUN install -d -o node -g node -m 0700 /blobs
COPY --from=program /fovea .
COPY LICENSE NOTICE ./
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.GATEWAY_OPS_PORT || 8081}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "apps/gateway/dist/main.js"]
