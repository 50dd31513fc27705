"""Pure: what a file's bytes are, how a person sees them, and how text is edited so that no other byte changes. No I/O."""

from webui.preview.difference import line_diff
from webui.preview.editing import EDIT_BYTES, FORM_BYTES, EditableText, decoded, encoded
from webui.preview.encodings import ENCODINGS
from webui.preview.lines import LineEndings, line_endings
from webui.preview.marks import Segment, marked
from webui.preview.modes import MODES, PLAIN, mode_for
from webui.preview.showing import HEX_BYTES, IMAGE_BYTES, PREVIEW_BYTES, HexRow, Preview, hex_rows, preview_of

__all__ = [
    "EDIT_BYTES",
    "ENCODINGS",
    "FORM_BYTES",
    "HEX_BYTES",
    "IMAGE_BYTES",
    "MODES",
    "PLAIN",
    "PREVIEW_BYTES",
    "EditableText",
    "HexRow",
    "LineEndings",
    "Preview",
    "Segment",
    "decoded",
    "encoded",
    "hex_rows",
    "line_diff",
    "line_endings",
    "marked",
    "mode_for",
    "preview_of",
]
