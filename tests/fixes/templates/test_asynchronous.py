"""Futures: more cases of the templates than their examples show."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import errors_of
from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

MENDED = {
    "async return": ("pub async fn run() -> «u32¦impl std::future::Future<Output = u32>» { 3 }"),
    "await in closure": (
        "async fn load(n: u32) -> u32 { n }\n"
        "pub async fn run(v: Vec<u32>) -> u32 { let f = |n| «async move { load(n).await "
        "}¦load(n).await»; f(v[0]).await }"
    ),
    "await in sync pub": ("async fn load() -> u32 { 3 }\npub «async ¦»fn run() -> u32 { load().await }"),
    "await plain": ("fn load() -> u32 { 3 }\npub async fn run() -> u32 { load()«¦.await» + 1 }"),
    "await plain question": (
        "fn load() -> Result<u32, String> { Ok(3) }\n"
        "pub async fn run() -> Result<u32, String> { let n = load()«¦.await»?; Ok(n + 1) }"
    ),
    "box new pin": (
        "use std::future::Future; use std::pin::Pin;\n"
        "pub fn run(n: u32) -> Pin<Box<dyn Future<Output = u32>>> { «Box::pin¦Box::new»(async move { n + "
        "1 }) }"
    ),
    "missing await": (
        "async fn load() -> u32 { 3 }\npub async fn run() -> u32 { let n: u32 = load()«.await¦»; n + 1 }"
    ),
    "missing await add": ("async fn load() -> u32 { 3 }\npub async fn run() -> u32 { load()«.await¦» + 1 }"),
    "missing await method": (
        "async fn load() -> String { String::new() }\npub async fn run() -> usize { load()«.await¦».len() }"
    ),
    "missing ok async block": (
        "async fn load() -> Result<u32, String> { Ok(3) }\n"
        'pub async fn run() -> Result<(), String> { let n = load().await?; println!("{n}"); «Ok(()) ¦»}'
    ),
    "ref future": (
        "async fn load() -> Result<u32, String> { Ok(3) }\n"
        "pub async fn run() -> u32 { let f = load(); let n = f.await«.unwrap()¦»; n + 1 }"
    ),
}


@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED.keys())
def test_what_was_meant_is_proposed(text: str, tmp_path: Path) -> None:
    right, wrong = right_and_wrong(text)
    assert errors_of(tmp_path, right) == ()
    assert squeezed(right) in repaired_texts(tmp_path, wrong)


NEVER = {
    "nothing is awaited outside of async code": (
        "async fn load() -> u32 { 3 }\npub fn f() -> u32 { load() + 1 }",
        ".await",
    ),
    "main does not become async": (
        "async fn load() -> u32 { 3 }\nfn main() { let n = load().await; drop(n); }",
        "async fn main",
    ),
    "the function of a trait keeps its signature": (
        "async fn load() -> u32 { 3 }\npub trait T { fn f(&self) -> u32; }\npub struct S;\n"
        "impl T for S { fn f(&self) -> u32 { load().await } }",
        "async fn f",
    ),
}


@pytest.mark.parametrize("case", NEVER.values(), ids=NEVER.keys())
def test_what_is_never_proposed(case: tuple[str, str], tmp_path: Path) -> None:
    text, unwanted = case
    assert errors_of(tmp_path, text)
    assert not [found for found in repaired_texts(tmp_path, text) if squeezed(unwanted) in found]
