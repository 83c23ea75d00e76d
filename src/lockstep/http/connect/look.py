"""The colours that a workspace gives its connect page: a stylesheet of our own host, so that the page's policy, which
lets nothing else in, need not be loosened."""

from __future__ import annotations

_DARK, _LIGHT = "#000000", "#ffffff"


def stylesheet(button: str | None, text: str | None) -> str:
    """Of buttons in these colours, each as #rgb or #rrggbb. Without a colour of the text, the one that is read
    better."""
    rules = []
    if button is not None:
        rules.append(f"background-color: {button}; border-color: {button};")
    if button is not None or text is not None:
        rules.append(f"color: {text or _readable_on(button or _LIGHT)};")
    if not rules:
        return ""
    return (
        f'.link-page button[type="submit"], .link-page [role="button"] {{ {" ".join(rules)} }}\n'
        '.link-page button[type="submit"]:hover, .link-page [role="button"]:hover { filter: brightness(0.93); }\n'
    )


def _readable_on(color: str) -> str:
    """Black or white, whichever has the greater contrast as WCAG reckons it."""
    light = _luminance(color)
    return _DARK if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else _LIGHT


def _luminance(color: str) -> float:
    digits = color.removeprefix("#")
    pairs = [d * 2 for d in digits] if len(digits) == 3 else [digits[at : at + 2] for at in (0, 2, 4)]
    parts = [int(pair, 16) / 255 for pair in pairs]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
