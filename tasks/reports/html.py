"""HTML that can't be broken by what people write: every text is escaped, unless it was built here."""

from __future__ import annotations

from html import escape


class Html(str):
    """Markup that is whole. Only `tag`, `join` and `raw` make it."""

    __slots__ = ()


Child = Html | str | None


def raw(markup: str) -> Html:
    """Markup that a programmer wrote, such as a style sheet. Never anything that came from outside."""
    return Html(markup)


def join(*children: Child) -> Html:
    return Html("".join(_text(child) for child in children))


def tag(name: str, /, *children: Child, **attributes: str | None) -> Html:
    """An element. `class_` is `class`, an underscore in an attribute's name is a hyphen, None leaves it out."""
    pairs = (
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    head = f"<{name}{''.join(pairs)}>"
    if name in _VOID:
        return Html(head)
    return Html(f"{head}{join(*children)}</{name}>")


_VOID = ("meta", "br", "hr")


def _text(child: Child) -> str:
    if child is None:
        return ""
    return str(child) if isinstance(child, Html) else escape(child)
