"""Secrets go, code stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.memory.redaction import redact, redaction_patterns

# Made up, and put together here so that no scanner of repositories takes them for real ones.
LETTERS = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdEfGh"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n+{LETTERS}\n+{LETTERS}\n-----END RSA PRIVATE KEY-----"

# name of the pattern that takes it out, text around it, secret
SECRETS = [
    ("private-key", "+{}\n+fn main() {{}}", PEM),
    ("private-key", "+{}", PEM.partition("-----END")[0]),
    ("url-password", '+let url = "postgres://user:{}@localhost/db";', "hunter2"),
    ("authorization-header", '+.header(AUTHORIZATION, "Bearer {}")', LETTERS),
    ("json-web-token", '+verify("{}")', f"eyJ{LETTERS}.eyJ{LETTERS}.{LETTERS}"),
    ("aws-access-key", '+let id = "{}";', "AKIA" + "ABCDEFGHIJKLMNOP"),
    ("github-token", "+// {}", "ghp_" + LETTERS[:36]),
    ("gitlab-token", "+// {}", "glpat-" + LETTERS[:20]),
    ("slack-token", "+// {}", "xoxb-" + "1234567890-abcdef"),
    ("stripe-key", "+// {}", "sk_live_" + LETTERS[:24]),
    ("model-provider-key", "+// {}", "sk-ant-" + LETTERS),
    ("google-key", "+// {}", "AIza" + LETTERS[:35]),
    ("package-registry-token", "+// {}", "npm_" + LETTERS[:36]),
    ("sendgrid-key", "+// {}", f"SG.{LETTERS[:22]}.{LETTERS}"),
    ("assigned-secret", '+const API_KEY: &str = "{}";', "not-a-known-form"),
    ("assigned-secret", '+let db_password = String::from("{}");', "correct horse"),
    ("assigned-secret", '+    password: Some("{}".to_owned()),', "correct horse"),
    ("assigned-secret", '+static SIGNING_KEY: &\'static [u8; 13] = b"{}";', "correct horse"),
    ("assigned-secret", '+"client_secret": "{}"', "correct horse"),
    ("named-secret", '+env::set_var("MY_API_KEY", "{}");', "correct horse"),
    ("passed-secret", '+.password("{}")', "correct horse"),
    ("environment-secret", "+DB_PASSWORD={} cargo run", "correct-horse"),
]


@pytest.mark.parametrize(("name", "around", "secret"), SECRETS)
def test_a_secret_is_taken_out_and_the_code_around_it_stays(name: str, around: str, secret: str) -> None:
    assert redact(around.format(secret)) == around.format(f"[redacted:{name}]")


def test_every_pattern_has_a_secret_that_only_it_takes_out() -> None:
    assert {name for name, _, _ in SECRETS} == {pattern.name for pattern in redaction_patterns()}
    for name, around, secret in SECRETS:
        others = tuple(pattern for pattern in redaction_patterns() if pattern.name != name)
        assert redact(around.format(secret), others) != around.format(f"[redacted:{name}]")


@pytest.mark.parametrize(
    "code",
    [
        "let token = lexer.next_token();",
        'if token == "fn" { parse_function(token) }',
        "fn password(&self) -> &str { &self.password }",
        'let key = map.get(&secret_id).expect("a secret was there");',
        'std::env::var("API_KEY")?',
        'expect(token, "expected an identifier here");',
        'self.token("identifier")',
        "use std::fmt; // https://docs.rs/serde/latest/serde/",
        'let time = "12:30:45"; a::b::c(&x);',
        "git@github.com:owner/name.git",
        "pub struct Tokens<'a> { tokens: Vec<Token<'a>> }",
        "let sk_buffer_size = 4096;",
        "Basic usage: call the function",
        "const MAX_TOKENS: usize = 512;",
    ],
)
def test_ordinary_code_stays_as_it_is(code: str) -> None:
    assert redact(code) == code


fragments = st.sampled_from(
    [
        *(around.format(secret) for _, around, secret in SECRETS),
        *(secret for _, _, secret in SECRETS),
        *(f"[redacted:{pattern.name}]" for pattern in redaction_patterns()),
        *("password", "API_KEY", "token", "=", ": ", "(", '"', "'", "://", "@", ":", "\n", " ", "a1b2c3d4", "Bearer "),
    ]
)


@given(st.lists(fragments, max_size=6).map("".join))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


def test_text_that_names_the_placeholder_hides_no_secret() -> None:
    assert "hunter22" not in redact('let password = "[redacted: hunter22";')


@pytest.mark.parametrize(
    "piece", ["password", "A", "a1", "token: ", "https://", "eyJ", "-----BEGIN PRIVATE KEY-----", " "]
)
def test_a_large_text_takes_no_unreasonable_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    before = time.process_time()
    redact(text)
    # Measured at well under a second; a pattern that backtracks takes minutes.
    assert time.process_time() - before < 10
