# docker build --build-arg VERSION=v1.2.3 -t allclear .
# docker run -v allclear:/data --stop-timeout 30 allclear
#
# The drain takes up to 25 seconds, more than the 10 that Docker waits by default: hence --stop-timeout.

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/allclear ./cmd/allclear \
 && mkdir /out/data

# No shell, no package manager; certificates and time zones are in the image. nonroot is user 65532.
FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev
LABEL org.opencontainers.image.title="allclear" \
      org.opencontainers.image.description="Runs the response to a mass exploitation of servers until each is proved remediated" \
      org.opencontainers.image.source="https://github.com/allclear-bot/allclear" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY LICENSE /LICENSE
COPY --from=build /out/allclear /allclear
# A new volume takes over the owner of the folder that it covers.
COPY --from=build --chown=65532:65532 /out/data /data
ENV ALLCLEAR_DATA=/data
VOLUME /data
USER 65532:65532
STOPSIGNAL SIGTERM
# Exit status 0 when the local socket of `allclear serve` answers.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["/allclear", "health"]
ENTRYPOINT ["/allclear"]
CMD ["serve"]
