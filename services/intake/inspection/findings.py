"""What the two sides of an inspection say to each other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`pages` of a PDF; `pixels` that an image may have and keep. JPEG images above are made smaller while they are
    read, up to `jpeg_pixels`. `expanded`: bytes that an office document may unpack to.
    """

    pages: int = 500
    pixels: int = 36_000_000
    jpeg_pixels: int = 220_000_000
    expanded: int = 200_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """`rewritten`: the image was encoded anew, and that is what is kept."""

    media_type: str
    pages: int | None
    rewritten: bool = False
