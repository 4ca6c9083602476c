# docker build --tag reconciler .
# docker run --rm --read-only --env GCORE_API_KEY --volume "$PWD/keys:/keys:ro" reconciler plan /keys
#
# For a Dask cluster (deploy/dask): --build-arg REQUIREMENTS=cluster
#
# No token goes into the image: it comes by the environment, or as a file that GCORE_API_KEY_FILE names.
# Pin the base by its digest where images are built to be kept: --build-arg BASE=python:3.13-slim@sha256:...
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
# What is run, without pip: it is filled from outside.
ARG REQUIREMENTS=runtime
COPY requirements/runtime.txt requirements/cluster.txt requirements/
RUN python -m venv --without-pip /opt/reconciler \
 && python -m pip --python /opt/reconciler/bin/python install --require-hashes -r requirements/${REQUIREMENTS}.txt
# What builds the wheel stays in this stage.
COPY requirements/command.txt requirements/
RUN python -m pip install --require-hashes -r requirements/command.txt
COPY pyproject.toml README.md LICENSE ./
COPY reconciler reconciler
COPY gcore_emulator gcore_emulator
COPY schemas schemas
COPY examples examples
COPY deploy deploy
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python -m pip --python /opt/reconciler/bin/python install --no-deps --no-index /wheels/*.whl

FROM ${BASE}
ARG BASE
# Of which commit this is: --build-arg VERSION=0.2.0 --build-arg REVISION="$(git rev-parse HEAD)"
# --build-arg CREATED="$(date -u +%FT%TZ)" --build-arg SOURCE=https://YOUR-HOST/YOUR-ORG/reconciler
ARG VERSION="" REVISION="" CREATED="" SOURCE=""
LABEL org.opencontainers.image.title="reconciler" \
      org.opencontainers.image.description="Plans, applies and watches cloud API keys that are declared in Git." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=build /opt/reconciler /opt/reconciler
# Two arenas: the threads of a service would scatter its memory over more. Nothing is written beside the code.
ENV PATH=/opt/reconciler/bin:$PATH MALLOC_ARENA_MAX=2 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can tell that it is not root.
USER 65532:65532
WORKDIR /
# A service says how it is on /healthz and /readyz; a single run ends.
HEALTHCHECK NONE
ENTRYPOINT ["reconciler"]
CMD ["--help"]
