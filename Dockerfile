# caliber as an image: agent, registry, and the whole system in one with simulated GPUs.
#
#   docker build -t caliber .
#   docker run --rm -it --init caliber up --simulate
#   docker run --init --gpus all -v caliber:/var/lib/caliber caliber agent run --data-dir /var/lib/caliber
#
# Keys in a TPM (--keys tpm) want the device and its group as well: --device /dev/tpmrm0 --group-add "$(getent group tss | cut -d: -f3)"
#
# nvidia-smi is not in the image: NVIDIA's container toolkit (--gpus) puts the host driver's own into the container.

FROM node:20-bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ make python3 \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY .npmrc package.json package-lock.json ./
# Without scripts, since `prepare` builds and the sources are not here yet: so that this layer lasts until the lock changes.
RUN npm ci --ignore-scripts && npm rebuild better-sqlite3
COPY . .
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/@foundry-rs/forge* dist/test/bench

FROM node:20-bookworm-slim
# tpm2-tools: for keys in a TPM (--keys tpm, docs/enrolment.md), with the transport that opens /dev/tpmrm0.
RUN apt-get update \
 && apt-get install -y --no-install-recommends tpm2-tools libtss2-tcti-device0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --user-group --home-dir /var/lib/caliber --shell /usr/sbin/nologin caliber \
 && install -d -o caliber -g caliber -m 0700 /var/lib/caliber
WORKDIR /opt/caliber
COPY --from=build /src/package.json /src/LICENSE ./
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
# `caliber up` only: the simulator's executable, and what its GPUs go through.
COPY --from=build /src/test/simulator/nvidia-smi test/simulator/nvidia-smi
COPY --from=build /src/fixtures/scenarios fixtures/scenarios
ENV NODE_ENV=production
USER caliber
WORKDIR /var/lib/caliber
VOLUME /var/lib/caliber
ENTRYPOINT ["node", "/opt/caliber/dist/cli/caliber.js"]
CMD ["--help"]
