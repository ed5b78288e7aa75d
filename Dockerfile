# syntax=docker/dockerfile:1

FROM rust:1.95.0-slim-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ gcc make cmake perl \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /watchbell
# The final image has only the C library, so zlib is linked statically.
ENV LIBZ_SYS_STATIC=1
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY benches benches
COPY config config
COPY src src
COPY tests tests
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/watchbell/target \
    cargo build --release --locked --features archive --bin watchbell \
 && mkdir /debug \
 && objcopy --only-keep-debug target/release/watchbell /debug/watchbell.debug \
 && objcopy --strip-debug --add-gnu-debuglink=/debug/watchbell.debug \
      target/release/watchbell /usr/local/bin/watchbell \
 && ! ldd /usr/local/bin/watchbell | grep -E 'not found|libz|libssl|libcrypto|libcurl'

# The debug information of the same binary: docker build --target debug --output . .
FROM scratch AS debug
COPY --from=build /debug/watchbell.debug /watchbell.debug

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /usr/local/bin/watchbell /usr/local/bin/watchbell
COPY config/confluent.example.yaml config/names.example.yaml config/networks.example.yaml /usr/share/watchbell/
USER 65532:65532
EXPOSE 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/watchbell"]
CMD ["run", "--config", "/etc/watchbell/watchbell.yaml"]
