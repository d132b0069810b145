# The command line and the workers of Concordat. No secret goes in: .dockerignore lists what may.

FROM node:22.21-bookworm-slim AS build
WORKDIR /concordat
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json ./
# Without scripts: `prepare` would build before the sources are here.
RUN npm ci --ignore-scripts
COPY core core
COPY workflows workflows
COPY activities activities
COPY workers workers
COPY cli cli
COPY sandbox sandbox
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22.21-bookworm-slim
# Certificates of public authorities; a private one is given by NODE_EXTRA_CA_CERTS.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
# As cli/local/worker-memory.ts has it: large buffers go back to the system.
ENV NODE_ENV=production NODE_OPTIONS=--max-old-space-size=320 \
    MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /concordat
COPY --from=build /concordat/node_modules node_modules
COPY --from=build /concordat/dist dist
COPY package.json LICENSE ./
# A new volume takes over owner and mode of the folder that it is mounted on.
RUN install --directory --owner=node --group=node --mode=0750 /exchange \
 && install --directory --owner=node --group=node --mode=0700 /private \
 && install --directory /federation /keys/authorities
USER node
ENTRYPOINT ["node", "/concordat/dist/cli/main.js"]
CMD ["--help"]
