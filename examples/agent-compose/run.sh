#!/bin/bash
# Builds the agent and starts it without Compose.
set -euo pipefail
cd "$(dirname "$0")"

docker build -t example/agent:latest ../agent
docker run --rm --interactive --tty \
    --name agent \
    --user sandbox \
    --env MODEL_GATEWAY=http://gateway:8080 \
    --volume "$PWD/workspace:/workspace" \
    example/agent:latest
