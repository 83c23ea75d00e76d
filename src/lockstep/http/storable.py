"""What text the database cannot hold: one rule for all ways in."""


def what_cannot_be_stored(text: str) -> str | None:
    """In words; None where all of it can."""
    if "\x00" in text:
        return "Text must not hold the character NUL."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "Text must not hold half a character (a lone surrogate)."
    return None
