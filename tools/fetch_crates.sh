#!/usr/bin/env bash
# Download the registry crates that the example and the fixture projects name, once, into cargo's own cache:
# the tests themselves need no network.
set -euo pipefail
cd "$(dirname "$0")/.."
find examples tests/fixtures -name Cargo.lock -not -path '*/target/*' -print0 |
    xargs -0 -r grep -lZ '^source = "registry+' |
    while IFS= read -r -d '' lock; do
        folder=$(dirname "$lock")
        # Started in the folder, because a toolchain file there counts. Without the network first: quick and usual.
        (cd "$folder" && { cargo fetch --quiet --locked --offline 2>/dev/null || cargo fetch --locked; }) ||
            echo "warning: the crates of $folder could not be fetched; its tests will say what is missing" >&2
    done
