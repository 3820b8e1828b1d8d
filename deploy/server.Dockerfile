# The control plane with its web UI. Build it from the root of the repository:
#   docker build -f deploy/server.Dockerfile -t lilac-server .
FROM node:20-bookworm AS ui
WORKDIR /lilac/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci
COPY docs/openapi.json /lilac/docs/openapi.json
COPY frontend ./
RUN npm run build

FROM rust:1.95-bookworm AS build
WORKDIR /lilac
COPY . .
COPY --from=ui /lilac/frontend/dist frontend/dist
RUN cargo build --release --locked -p lilac_server

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/lilac --create-home lilac
COPY --from=build /lilac/target/release/server /usr/local/bin/server
USER lilac
ENV LILAC_LISTEN=0.0.0.0:8080 LILAC_DATA_DIR=/var/lib/lilac
VOLUME /var/lib/lilac
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/server"]
