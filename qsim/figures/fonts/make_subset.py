"""Make ``NotoSansSC-subset.otf``: run once by hand, see ``README.md`` beside it."""

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

FAMILY = "qsim Sans SC"
POSTSCRIPT = "qsimSansSC-Regular"
SIMPLIFIED = "Noto Sans CJK SC"


def characters() -> set[int]:
    """Code points kept: GB 2312, ASCII, Latin-1, Greek, punctuation, Roman numerals and signs of plans."""
    kept = {
        *range(0x20, 0x7F),
        *range(0xA0, 0x180),
        *range(0x391, 0x3CA),
        *range(0x2010, 0x2028),
        *range(0x2030, 0x203C),
    }
    kept |= {*range(0x2070, 0x2090), *range(0x20A0, 0x20B0), *range(0x2100, 0x2140), *range(0x2150, 0x2184)}
    kept |= {*range(0x2190, 0x219A), *range(0x2200, 0x2270), *range(0x2460, 0x2474), *range(0x25A0, 0x25D0)}
    kept |= {*range(0x3000, 0x3018), *range(0xFF01, 0xFF5F), 0xFFE5, 0x2500, 0x2502, 0x2212}
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                kept.add(ord(bytes([high, low]).decode("gb2312")))
            except (UnicodeDecodeError, TypeError):
                continue
    return kept


def face(path: Path) -> TTFont:
    """The simplified Chinese face of the collection."""
    for font in TTCollection(str(path)).fonts:
        if font["name"].getDebugName(1) == SIMPLIFIED:
            return font
    raise SystemExit(f"{path} holds no {SIMPLIFIED}")


def rename(font: TTFont) -> None:
    """Give the modified version a name of its own, as the OFL asks."""
    names = {1: FAMILY, 2: "Regular", 3: f"qsim;{POSTSCRIPT}", 4: FAMILY, 6: POSTSCRIPT, 16: FAMILY, 17: "Regular"}
    table = font["name"]
    table.names = [record for record in table.names if record.nameID not in names]
    for number, text in names.items():
        table.setName(text, number, 3, 1, 0x409)
    top = font["CFF "].cff
    top.fontNames = [POSTSCRIPT]
    top[0].FullName = top[0].FamilyName = FAMILY


def main(source: Path, target: Path) -> None:
    """Write the subset of ``source`` to ``target``."""
    font = face(source)
    options = Options()
    options.layout_features = ["kern", "ccmp", "locl"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14]
    options.hinting = False
    options.desubroutinize = False
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    rename(font)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(str(target))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
