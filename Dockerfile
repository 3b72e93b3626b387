# The server in a container; it lists its tools without a key:
#   docker build -t webvoice-mcp . && docker run -i --rm webvoice-mcp
# Files are saved in /data and keys in /state. To keep them in folders of yours, as files that you own:
#   docker run -i --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" -v "$HOME/.config/webvoice-mcp:/state" webvoice-mcp

# Of this digest, whatever the tag names later. Dependabot proposes newer ones.
FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS base

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY webvoice_mcp ./webvoice_mcp
RUN python -m venv /app && /app/bin/pip install .

FROM base
LABEL io.modelcontextprotocol.server.name="io.github.easytaskflow/webvoice-mcp"
# A container's processes end together, so calls run in the server, which waits for them at its end.
# The HTTP client uses the system's certificates, which this image has.
RUN useradd --uid 10001 --create-home webvoice \
    && install -d -o webvoice -g webvoice /data /state
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    WEBVOICE_OUTPUT_DIR=/data \
    WEBVOICE_STATE_DIR=/state \
    WEBVOICE_WORKER=0
USER 10001
WORKDIR /data
ENTRYPOINT ["webvoice-mcp"]
