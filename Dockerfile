# The binary `adyton` and the C library, as an ordinary user, without a shell. No test builds it, since no Docker ran
# where this was written: see compose.yaml. What the binary needs was read off `ldd`.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist -p adyton-server && cp target/dist/adyton /adyton && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /adyton /usr/bin/adyton
COPY --from=build --chown=nonroot:nonroot /data /var/lib/adyton
WORKDIR /var/lib/adyton
VOLUME /var/lib/adyton
ENV ADYTON_SERVER__LISTEN=0.0.0.0:8000
EXPOSE 8000
ENTRYPOINT ["adyton"]
CMD ["serve"]
