# The binary `adyton` alone, as an ordinary user. No test builds it: see compose.yaml.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --profile dist -p adyton-server

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/adyton adyton
COPY --from=build /src/target/dist/adyton /usr/local/bin/adyton
USER adyton
WORKDIR /var/lib/adyton
EXPOSE 8000
ENTRYPOINT ["adyton"]
CMD ["serve"]
