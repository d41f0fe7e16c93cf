"""Claims about what the pages say and how they look."""

import re
from html.parser import HTMLParser
from io import BytesIO

import pytest
from docx import Document as open_word
from docx.oxml.ns import qn

from qsim.report.compose import compose
from qsim.report.content import TEXT_WIDTH_MM, Figure, Heading, Link, Paragraph, Table
from qsim.report.docx import render_docx
from qsim.report.docx_package import Stamp
from qsim.report.html import render_html
from qsim.report.reading import Reading
from qsim.report.summary import sentences
from qsim.report.words import words

_MM = 36000


def _silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def document(assessment):
    return compose(assessment, "zh", _silent)


@pytest.fixture(scope="module")
def word(document, plan):
    return open_word(BytesIO(render_docx(document, Stamp("qsim", plan.as_of))))


@pytest.fixture(scope="module")
def page(document):
    return render_html(document)


def _texts(document):
    for block in document.blocks:
        match block:
            case Heading() | Paragraph():
                yield block.text
            case Table():
                yield block.caption
                yield from (column.title for column in block.columns)
                yield from (cell.text if isinstance(cell, Link) else cell for row in block.rows for cell in row if cell)
                yield from block.notes
            case Figure():
                yield block.caption


def _tables(document):
    return [block for block in document.blocks if isinstance(block, Table)]


def _full(document):
    return next(table for table in _tables(document) if table.caption.endswith(" 目标达到的概率"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_first_page_counts_add_up(assessment, language):
    reading = Reading(assessment, words(language))
    scope = sentences(reading)[0]
    total, rows, *parts = (int(number) for number in re.findall(r"\d+", scope))
    assert (total, rows) == (13, 15)
    assert parts == [3, 5, 1, 1, 9, 9]
    assert (sum(parts[::2]), sum(parts[1::2])) == (total, rows)


def test_first_page_verdicts_add_up(assessment):
    verdict = sentences(Reading(assessment, words("zh")))[1]
    judged, *parts = (int(number) for number in re.findall(r"(\d+)项", verdict))
    assert judged == sum(parts) == 3


def test_first_page_stands_before_part_one(document):
    first = next(i for i, block in enumerate(document.blocks) if isinstance(block, Heading))
    assert document.blocks[first].new_page
    assert any(isinstance(block, Table) for block in document.blocks[:first])
    assert sum(isinstance(block, Paragraph) and block.style == "summary" for block in document.blocks[:first]) == 4


def test_a_plan_without_figures_says_what_to_collect_first(thin):
    document = compose(thin, "zh", _silent)
    table = _tables(document)[0]
    assert table.caption == "表1 先收集这些数据"
    assert [column.title for column in table.columns] == ["目标", "指标", "口径", "年数"]
    assert "示例工程竣工验收一次性合格率" in [row[1] for row in table.rows[:2]]
    assert all(row[3] == "2013—2017年\n至少5年" for row in table.rows)


def test_binding_targets_are_collected_first(assessment):
    gaps = Reading(assessment, words("zh")).gaps
    assert gaps[0].indicator.slug == "building"
    assert [gap.results[0].evidence for gap in gaps][-1] in {"prior", "not_testable"}


def test_tables_and_figures_are_numbered_in_order(document):
    assert [table.caption.split()[0] for table in _tables(document)] == [
        f"表{n}" for n in range(1, 1 + len(_tables(document)))
    ]
    assert [figure.caption.split()[0] for figure in document.figures] == ["图1", "图2", "图3"]


def test_the_first_page_points_to_the_full_table(assessment):
    document = compose(assessment, "zh", _silent)
    intro = next(block.text for block in document.blocks if isinstance(block, Paragraph) and "列于表" in block.text)
    full = _full(document)
    assert f"列于{full.caption.split()[0]}。" in intro


def test_captions_name_the_interval_and_the_figures(document):
    for figure in document.figures:
        assert "发布值预测的80%区间" in figure.caption
        assert "95%区间" in figure.caption
        assert re.search(r"2017年\d+\.\d%", figure.caption)
        assert "横线为目标" in figure.caption


def test_probabilities_never_print_as_0_or_100_percent(document):
    full = _full(document)
    printed = [cell for row in full.rows for cell in row[5:7]]
    assert printed
    assert all(re.fullmatch(r"[1-9]\d?%|<1%|>99%", cell) for cell in printed)


def test_prior_only_targets_are_named_as_such(document):
    full = _full(document)
    assert full.rows[-1][4] == "仅据同类地区（6个）"
    assert all("示例水质" not in figure.caption.split("。")[0] for figure in document.figures)


def test_a_failed_check_is_said(document):
    texts = list(_texts(document))
    assert any("示例森林覆盖率（权重形状参数0.90，有效参数点数12）" in text for text in texts)
    assert "示例森林覆盖率*" in texts


def test_figures_set_aside_are_listed_with_their_reason(document):
    table = next(table for table in _tables(document) if "未使用" in table.caption)
    reasons = [
        "不是全年数据",
        "口径不明",
        "口径与评估所用的不同",
        "年份晚于本地区全部数据",
        "截止日之后发布",
    ]
    assert [row[3] for row in table.rows] == reasons
    assert table.rows[-1][1:3] == ("2017年", "1个")


def test_peers_are_counted_not_listed(document):
    table = next(table for table in _tables(document) if "同类地区" in table.caption)
    assert ("示例产品监督抽查合格率", "6", "48") in table.rows
    assert not any("peer" in text for text in _texts(document))


def test_chinese_pages_hold_no_other_latin_words(document):
    found = {token for text in _texts(document) for token in re.findall(r"[A-Za-z]{2,}", text)}
    assert found <= {"qsim", "NUTS"}


def test_english_pages_hold_no_chinese(assessment):
    document = compose(assessment, "en", _silent)
    texts = [text for text in _texts(document) if "示例省统计公报" not in text]
    assert [text for text in texts if re.search("[\u4e00-\u9fff]", text)] == []


def test_columns_fit_the_text(document):
    assert all(sum(column.width for column in table.columns) <= TEXT_WIDTH_MM for table in _tables(document))


def test_a_row_with_a_missing_cell_is_refused(document):
    table = _tables(document)[0]
    with pytest.raises(ValueError, match="a cell for each"):
        Table(table.caption, table.columns, (table.rows[0][:-1],))


def test_word_page_is_a4_with_the_official_margins(word):
    section = word.sections[0]
    assert (round(section.page_width / _MM), round(section.page_height / _MM)) == (210, 297)
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(margin / _MM) for margin in margins] == [37, 35, 28, 26]


@pytest.mark.parametrize(
    ("style", "font", "size"),
    [
        ("Normal", "仿宋_GB2312", 16),
        ("Title", "方正小标宋简体", 22),
        ("Heading 1", "黑体", 16),
        ("Heading 2", "楷体_GB2312", 16),
    ],
)
def test_word_styles_name_the_official_fonts(word, style, font, size):
    fonts = word.styles[style].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == font
    assert fonts.get(qn("w:ascii")) == "Times New Roman"
    assert fonts.get(qn("w:eastAsiaTheme")) is None
    assert word.styles[style].font.size.pt == size


def test_word_body_has_28_point_lines_and_two_characters_indent(word):
    layout = word.styles["Normal"].paragraph_format
    assert layout.line_spacing.pt == 28
    assert word.styles["Normal"].element.pPr.ind.get(qn("w:firstLineChars")) == "200"


def test_word_tables_repeat_their_head_and_keep_rows_whole(word, document):
    assert len(word.tables) == len(_tables(document))
    for table in word.tables:
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)


def test_word_numbers_its_pages(word):
    footer = word.sections[0].footer
    assert "PAGE" in "".join(element.text for element in footer._element.iter(qn("w:instrText")))
    assert footer.paragraphs[0].text.startswith("— ")


def test_word_holds_every_text(word, document):
    body = "".join(element.text or "" for element in word.element.body.iter(qn("w:t")))
    assert [text for text in _texts(document) if text.replace("\n", "") not in body] == []


class _Resources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        if tag == "a":
            self.links.append(given["href"])
            return
        assert tag not in {"script", "link", "img", "iframe"}
        self.found += [(tag, value) for key, value in attrs if key in {"src", "href", "xlink:href"} and "http" in value]


def test_html_needs_no_network(page):
    parser = _Resources()
    parser.feed(page)
    assert parser.found == []
    assert all(link.startswith("https://example.org/") for link in parser.links)
    assert parser.links
    assert not re.search(r"url\(\s*['\"]?http|@import", page)


def test_html_ids_are_unique(page):
    parser = _Resources()
    parser.feed(page)
    assert len(parser.ids) == len(set(parser.ids))


def test_html_escapes_what_it_prints(assessment):
    from dataclasses import replace

    from qsim.records import Names

    title = Names(zh="<script>alert(1)</script>", en="x")
    page = render_html(
        compose(replace(assessment, plan=assessment.plan.model_copy(update={"title": title})), "zh", _silent)
    )
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_an_address_that_is_no_web_page_is_not_linked(assessment):
    from dataclasses import replace

    observations = assessment.observations.copy(deep=True)
    observations["url"] = observations["url"].dims, ["javascript:alert(1)"] * observations.sizes["observation"]
    document = compose(replace(assessment, observations=observations), "zh", _silent)
    assert not any(isinstance(cell, Link) for table in _tables(document) for row in table.rows for cell in row)
