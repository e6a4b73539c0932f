"""The conversation as the text a model was trained on: the template from its GGUF file, or ChatML where it has none.

Templates are programs (Jinja) that come with a file from anywhere, so they run in Jinja's sandbox.
Source: Hugging Face's "Chat templates", whose names (`messages`, `add_generation_prompt`, `raise_exception`) they use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sleepy_agent.errors import ModelError

LONGEST_TEMPLATE = 64 * 1024

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def render_chat(
    template: str | None,
    messages: Sequence[tuple[str, str]],
    beginning_token: str = "",
    end_token: str = "",
    control_tokens: Iterable[str] = (),
) -> str:
    """The text of `messages` (role, content), the beginning of the assistant's answer included.

    `control_tokens`: texts that mean something to the model. Inside a message they are spelt with a space after the
    first character: code that contains one cannot end its message or speak for somebody else.
    Raises ModelError for a template that is no template or refuses these messages.
    """
    import jinja2

    controls = tuple(control_tokens)
    harmless = [(role, _harmless(content, controls)) for role, content in messages]
    tokens = {"bos_token": beginning_token, "eos_token": end_token}
    try:
        try:
            return _render(template, harmless, tokens)
        except jinja2.TemplateError:
            if [role for role, _ in harmless[:2]] != ["system", "user"]:
                raise
            # Some models know no system message; what it says is then said first by the user.
            merged = ("user", f"{harmless[0][1]}\n\n{harmless[1][1]}")
            return _render(template, [merged, *harmless[2:]], tokens)
    except (jinja2.TemplateError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError) as error:
        raise _unusable(str(error).rstrip(".")) from error


def _render(template: str | None, messages: Sequence[tuple[str, str]], tokens: Mapping[str, str]) -> str:
    import jinja2
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks, for training, what the assistant says; here it is what stands in it."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(reason: str) -> None:
        raise jinja2.TemplateError(reason)

    if template is not None and len(template) > LONGEST_TEMPLATE:
        raise jinja2.TemplateError("it is longer than 64 KiB")
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation]
    )
    environment.globals.update(
        raise_exception=refuse, strftime_now=lambda format_text: datetime.now(UTC).strftime(format_text)
    )
    return environment.from_string(template or CHATML).render(
        messages=[{"role": role, "content": content} for role, content in messages],
        add_generation_prompt=True,
        **tokens,
    )


def _harmless(content: str, control_tokens: tuple[str, ...]) -> str:
    for control in control_tokens:
        if control in content:
            content = content.replace(control, f"{control[0]} {control[1:]}")
    return content


def _unusable(reason: str) -> ModelError:
    return ModelError(
        f"The model's chat template cannot be used: {reason}.",
        "Fetch the model again, or use another one (`sleepy model list`).",
    )
