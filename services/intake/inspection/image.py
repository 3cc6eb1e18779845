"""Images: read to the last pixel and encoded anew, so that nothing is left of what came with the pixels.

Gone with it: places and owners in EXIF, thumbnails, comments, and whatever else a file was besides an image.
"""

from typing import IO

from PIL import Image, ImageOps

from chassis.confined import Refused
from intake.inspection.findings import Found, Limits

FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
QUALITY = 88
"""Text on a scanned page stays sharp, and a photo's file does not grow."""
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_DPI = (20, 2400)


def check(file: IO[bytes], kind: str, out: IO[bytes], limits: Limits) -> Found:
    """Writes the image anew to `out`. Raises Refused; OSError and others for what is not an image."""
    # Ours is the limit: theirs only warns at first.
    Image.MAX_IMAGE_PIXELS = None
    image = Image.open(file, formats=[kind])
    width, height = image.size
    if width * height > (limits.jpeg_pixels if kind == "JPEG" else limits.pixels):
        raise Refused("file_image_too_large", "the image has too many pixels")
    if kind == "JPEG":
        # Decoded at a half, a quarter or an eighth, the large image is never in memory.
        scale = next((n for n in (1, 2, 4) if width * height <= limits.pixels * n * n), 8)
        image.draft(None, (width // scale, height // scale))
    resolution = _resolution(image)
    ImageOps.exif_transpose(image, in_place=True)
    if kind == "PNG":
        kept = image if image.mode in _PNG_MODES else image.convert("RGB")
        _without_extras(kept).save(out, "PNG", **resolution)
    else:
        _without_extras(_opaque(image)).save(out, kind, quality=QUALITY, **(resolution if kind == "JPEG" else {}))
    return Found(FORMATS[kind], 1, rewritten=True)


def _opaque(image: Image.Image) -> Image.Image:
    """In grey or in colours; what is transparent becomes white, as paper is."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        paper = Image.new("RGB", image.size, "white")
        layer = image.convert("RGBA")
        paper.paste(layer, mask=layer.getchannel("A"))
        return paper
    return image.convert("L" if image.mode in ("1", "I;16", "I", "F") else "RGB")


def _without_extras(image: Image.Image) -> Image.Image:
    """Profiles, comments and texts would be written again by some formats."""
    keep = image.mode == "P" and "transparency" in image.info
    image.info = {"transparency": image.info["transparency"]} if keep else {}
    return image


def _resolution(image: Image.Image) -> dict[str, tuple[float, float]]:
    """A scan's dots per inch, so that it is printed at its size."""
    given = image.info.get("dpi")
    if isinstance(given, tuple) and len(given) == 2 and all(_DPI[0] <= float(n) <= _DPI[1] for n in given):
        return {"dpi": (float(given[0]), float(given[1]))}
    return {}
