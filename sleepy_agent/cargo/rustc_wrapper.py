"""What cargo starts instead of rustc while a recording runs (RUSTC_WRAPPER). A program of its own.

It is run as `python -I -S rustc_wrapper.py RUSTC ARGUMENTS...` and imports nothing but the standard library,
because it starts once per crate. For crates of the workspace and path dependencies it writes down the call.
If the call only checks (its `--emit` has no `link`), it then answers success without compiling, so that a
broken crate does not keep cargo from calling rustc for the crates that depend on it: it leaves an empty
`.rmeta`, the `.d` file and the artifact message that cargo waits for. Everything else is really compiled.

The environment variable SLEEPY_RECORDING names a JSON file:
  {"calls": DIRECTORY, "local": [MANIFEST_DIR...], "real": [MANIFEST_DIR...], "environment": {NAME: SHA-256}}
`environment` is what cargo was started with, hashed; only what differs from it is written down, so that the
user's own variables, which may hold secrets, are not.
"""

import hashlib
import json
import os
import subprocess
import sys

# Variables that belong to one run of cargo or to this wrapper, and mean nothing in a replay.
NOT_RECORDED = {"CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS", "RUSTC_WRAPPER", "SLEEPY_RECORDING", "NUM_JOBS"}


def value_after(arguments: list[str], name: str) -> list[str]:
    """Values of an option, in both forms: `--name value` and `--name=value`."""
    values = []
    for index, argument in enumerate(arguments):
        if argument == name and index + 1 < len(arguments):
            values.append(arguments[index + 1])
        elif argument.startswith(name + "="):
            values.append(argument[len(name) + 1 :])
    return values


def codegen_option(arguments: list[str], name: str) -> str:
    """The value of `-C name=value`, or the empty string."""
    for index, argument in enumerate(arguments):
        option = arguments[index + 1] if argument == "-C" and index + 1 < len(arguments) else argument[2:]
        if argument.startswith("-C") and option.startswith(name + "="):
            return option[len(name) + 1 :]
    return ""


def digest_of(value: str) -> str:
    return hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()


def compile_really(command: list[str]) -> int:
    if os.name == "posix":
        os.execvp(command[0], command)
    return subprocess.run(command, check=False).returncode


def answer_success(arguments: list[str], crate_name: str, out_directory: str) -> None:
    """Leave the files and print the message by which cargo knows that a check succeeded."""
    suffix = codegen_option(arguments, "extra-filename")
    metadata_file = os.path.join(out_directory, f"lib{crate_name}{suffix}.rmeta")
    dependency_file = os.path.join(out_directory, f"{crate_name}{suffix}.d")
    source = next((argument for argument in arguments if argument.endswith(".rs")), "")
    with open(metadata_file, "wb"):
        pass
    with open(dependency_file, "w", encoding="utf-8") as output:
        escaped = source.replace(" ", "\\ ")
        output.write(f"{metadata_file}: {escaped}\n\n{escaped}:\n")
    message = {"$message_type": "artifact", "artifact": metadata_file, "emit": "metadata"}
    sys.stderr.write(json.dumps(message) + "\n")


def main() -> int:
    command = sys.argv[1:]
    arguments = command[1:]
    configuration_file = os.environ.get("SLEEPY_RECORDING")
    crate_names = value_after(arguments, "--crate-name")
    manifest_directory = os.environ.get("CARGO_MANIFEST_DIR", "")
    # Cargo's own questions ("-vV", "--print") carry no crate or the crate `___`.
    if not configuration_file or not crate_names or crate_names[0] == "___" or not manifest_directory:
        return compile_really(command)
    with open(configuration_file, encoding="utf-8") as source:
        configuration = json.load(source)
    if manifest_directory not in configuration["local"]:
        return compile_really(command)
    crate_name = crate_names[0]
    emits = ",".join(value_after(arguments, "--emit")).split(",")
    real = "link" in emits or manifest_directory in configuration["real"]
    before = configuration["environment"]
    call = {
        "crate_name": crate_name,
        "arguments": arguments,
        "environment": {
            name: value
            for name, value in os.environ.items()
            if name not in NOT_RECORDED and before.get(name) != digest_of(value)
        },
        "cwd": os.getcwd(),
        "real": real,
    }
    suffix = codegen_option(arguments, "extra-filename")
    target = os.path.join(configuration["calls"], f"{crate_name}{suffix}.json")
    temporary = f"{target}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as output:
        json.dump(call, output)
    os.replace(temporary, target)
    if real:
        return compile_really(command)
    out_directories = value_after(arguments, "--out-dir")
    answer_success(arguments, crate_name, out_directories[0] if out_directories else ".")
    return 0


if __name__ == "__main__":
    sys.exit(main())
