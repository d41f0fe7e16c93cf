"""The .docx file as a package: a fixed date, so that equal documents are equal files, and names of substitute fonts."""

from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from qsim.report.docx_styles import SUBSTITUTES

if TYPE_CHECKING:
    from docx.document import Document as Word

_FONT_TABLE = "word/fontTable.xml"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Stamp:
    """What the file says about itself."""

    author: str
    day: date

    def write(self, word: "Word", title: str) -> None:
        """Set the properties of the document."""
        moment = datetime(self.day.year, self.day.month, self.day.day)
        properties = word.core_properties
        properties.title, properties.author, properties.last_modified_by = title[:255], self.author, self.author
        properties.created = properties.modified = moment
        properties.comments = properties.keywords = properties.subject = ""
        properties.revision = 1


def settled(content: bytes) -> bytes:
    """The same package with fixed times, and the fonts that may stand in for missing ones."""
    target = BytesIO()
    with ZipFile(BytesIO(content)) as source, ZipFile(target, "w", ZIP_DEFLATED) as package:
        for name in source.namelist():
            part = source.read(name)
            if name == _FONT_TABLE:
                part = _with_substitutes(part)
            info = ZipInfo(name, date_time=_EPOCH)
            info.compress_type = ZIP_DEFLATED
            package.writestr(info, part)
    return target.getvalue()


def _with_substitutes(part: bytes) -> bytes:
    fonts = "".join(
        f'<w:font w:name={quoteattr(font)}><w:altName w:val={quoteattr(other)}/><w:charset w:val="86"/></w:font>'
        for font, other in SUBSTITUTES.items()
    )
    return part.replace(b"</w:fonts>", fonts.encode() + b"</w:fonts>")
