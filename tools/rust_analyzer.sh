#!/usr/bin/env bash
# Print a folder with a rust-analyzer that works; build the pinned one first where there is none.
# rustup puts a stand-in on PATH that fails unless the component is installed, so only `--version` tells.
set -euo pipefail
version=0.0.330
if found=$(command -v rust-analyzer) && rust-analyzer --version >/dev/null 2>&1; then
    dirname "$found"
    exit
fi
root=${XDG_CACHE_HOME:-$HOME/.cache}/sleepy-dev/rust-analyzer-$version
if ! "$root/bin/rust-analyzer" --version >/dev/null 2>&1; then
    {
        echo "No rust-analyzer works here (quickest: rustup component add rust-analyzer)."
        echo "Building version $version once into $root. This takes about 15 minutes on two cores."
    } >&2
    cargo install ra_ap_rust-analyzer --version "$version" --locked --root "$root" >&2
fi
echo "$root/bin"
