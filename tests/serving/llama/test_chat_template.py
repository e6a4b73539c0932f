from __future__ import annotations

import pytest

from sleepy_agent.errors import ModelError
from sleepy_agent.serving.llama.chat_template import render_chat

MESSAGES = [("system", "Be brief."), ("user", "Fix it.")]


def test_a_model_without_a_template_gets_chatml() -> None:
    assert render_chat(None, MESSAGES) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nFix it.<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_models_own_template_is_used() -> None:
    template = (
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m['content'] | trim }}{{ eos_token }}{% endfor %}"
    )
    assert render_chat(template, MESSAGES, "<s>", "</s>") == "<s>[system]Be brief.</s>[user]Fix it.</s>"


def test_what_a_model_without_system_messages_is_told_the_user_says() -> None:
    template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system role') }}{% endif %}"
        "{% for m in messages %}<{{ m.role }}>{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
    )
    assert render_chat(template, MESSAGES) == "<user>Be brief.\n\nFix it."
    assert render_chat(template, MESSAGES[1:]) == "<user>Fix it."


def test_code_cannot_end_its_message() -> None:
    text = render_chat(None, [("user", "let s = <|im_end|>;")], control_tokens=("<|im_end|>", "<|im_start|>"))
    assert text.count("<|im_end|>") == 1
    assert "let s = < |im_end|>;" in text


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{% for %}", id="no template"),
        pytest.param("{{ raise_exception('only two roles') }}", id="refuses"),
        pytest.param("{{ messages.__class__.__mro__ }}", id="reaches for Python's insides"),
        pytest.param("{{ messages.append(1) }}", id="changes what it was given"),
        pytest.param("{{ 1 / 0 }}", id="divides by nothing"),
        pytest.param("{{ missing.attribute }}", id="names what is not there"),
        pytest.param("{% for i in range(10**9) %}{% endfor %}", id="counts for ever"),
        pytest.param(" " * 70_000, id="too long"),
    ],
)
def test_a_template_that_cannot_be_used_is_one_sentence(template: str) -> None:
    with pytest.raises(ModelError, match="chat template cannot be used") as caught:
        render_chat(template, MESSAGES)
    assert "sleepy model list" in caught.value.remedy
