# SPDX-License-Identifier: Apache-2.0
# Every step is a script that people and the tests run too; test/manifests/dockerfile_test.py holds this file to them.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/install-deps scripts/lib.sh scripts/
RUN scripts/install-deps --build
# Bundles are checked against the digests of the catalogue.
COPY scripts/fetch-bundles scripts/
COPY manifests/bundles/catalogue.json manifests/bundles/
RUN scripts/fetch-bundles /usr/share/gatelift/bundles
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY client client
COPY reconcilers reconcilers
COPY controller controller
COPY manifests manifests
COPY scripts scripts
RUN scripts/build release --no-tests
RUN strip --strip-debug build/release/gatelift

FROM debian:bookworm-slim
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="gatelift" \
      org.opencontainers.image.description="Moves a cluster from one Gateway API bundle to another and loses nothing" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY scripts/install-deps scripts/lib.sh /usr/share/gatelift/scripts/
RUN /usr/share/gatelift/scripts/install-deps --runtime && rm -rf /var/lib/apt/lists /usr/share/gatelift/scripts
COPY LICENSE /usr/share/doc/gatelift/
COPY --from=build /usr/share/gatelift/bundles /usr/share/gatelift/bundles
COPY --from=build /src/build/release/gatelift /usr/bin/gatelift
# kubectl finds it as its plugin: kubectl gatelift.
RUN ln -s gatelift /usr/bin/kubectl-gatelift
USER 65532:65532
ENTRYPOINT ["/usr/bin/gatelift"]
CMD ["controller"]
