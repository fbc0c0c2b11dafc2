# Face Mirror without torch: server, flower and cpu workers. Models are mounted, never built in.
# PYTHON_DIGEST: empty, or @sha256:... to have exactly that image.
ARG PYTHON_DIGEST=
FROM python:3.11.14-slim-bookworm${PYTHON_DIGEST} AS build
WORKDIR /project
RUN python -m venv /opt/facemirror
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY facemirror facemirror
COPY tasks tasks
COPY workers workers
COPY weights weights
COPY ops ops
RUN /opt/facemirror/bin/pip install --no-cache-dir --no-compile -c requirements.lock .

FROM python:3.11.14-slim-bookworm${PYTHON_DIGEST}
COPY --from=build /opt/facemirror /opt/facemirror
ENV PATH=/opt/facemirror/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FACEMIRROR_COMPILED=/tmp/facemirror
# Whoever the container runs as makes a folder of its own in it.
RUN install --directory --mode=1777 /register
WORKDIR /tmp
USER 1000:1000
CMD ["facemirror", "--help"]
