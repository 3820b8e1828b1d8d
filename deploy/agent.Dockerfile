# The agent and the command line. Build it from the root of the repository:
#   docker build -f deploy/agent.Dockerfile -t lilac-agent .
# How it is run stands in compose.yaml: it needs the node's Docker, processes and network.
FROM rust:1.95-bookworm AS build
WORKDIR /lilac
COPY . .
RUN cargo build --release --locked -p lilac_agent -p lilac_cli

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /lilac/target/release/lilac_agent /lilac/target/release/lilac_cli /usr/local/bin/
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/lilac_agent"]
