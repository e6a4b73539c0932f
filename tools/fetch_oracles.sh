#!/usr/bin/env bash
# Fetch llama.cpp's own converters, once, into a cache outside of the checkout: tests compare our GGUF files with theirs.
# They come with llama-cpp-python's source distribution. What they import that would not go together with our own
# requirements (transformers wants an older huggingface_hub) lies beside them, where only they find it.
#
# usage: tools/fetch_oracles.sh PYTHON        prints nothing; tests find the folder by themselves (tests/serving/oracles.py)
set -euo pipefail
python=$1
release=$("$python" -c 'from importlib.metadata import version; print(version("llama-cpp-python"))')
cache=${SLEEPY_TEST_CACHE:-$HOME/.cache/sleepy-tests}
folder=$cache/converters-$release
[ -e "$folder/.complete" ] && exit 0

mkdir -p "$cache"
fresh=$(mktemp -d "$cache/converters.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
pip=("$python" -m pip --quiet --disable-pip-version-check)
# Only this package as source: the tools that pip builds its metadata with may come built.
"${pip[@]}" download --no-deps --no-binary llama-cpp-python --dest "$fresh/download" "llama-cpp-python==$release"
mkdir "$fresh/all" "$fresh/llama.cpp" "$fresh/llama.cpp/models"
tar -xzf "$fresh"/download/llama_cpp_python-*.tar.gz -C "$fresh/all" --strip-components 1
source=$fresh/all/vendor/llama.cpp
mv "$source"/convert_*.py "$source/conversion" "$source/gguf-py" "$fresh/llama.cpp"
mv "$source/models/ggml-vocab-qwen2.gguf" "$fresh/llama.cpp/models"
# The version that the converters name in their requirements, and what it needs beside what the tests install.
"${pip[@]}" install --no-deps --target "$fresh/python" \
    transformers==4.57.6 huggingface-hub==0.36.2 tokenizers==0.22.2 regex==2026.11.15 sentencepiece==0.2.3
rm -rf "$fresh/download" "$fresh/all"
touch "$fresh/.complete"
rm -rf "$folder"
mv "$fresh" "$folder"
trap - EXIT
