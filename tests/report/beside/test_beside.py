"""Claims about what the pages say beside each probability, and about the plan as a whole."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qsim.feasibility.marks import Mark
from qsim.feasibility.records import Checkpoint, TrackRecord, YearShare
from qsim.records import Names
from qsim.report.blocks import TableNumbers
from qsim.report.compose import compose
from qsim.report.content import Heading, Link, Paragraph, Table
from qsim.report.progress import levels, pace, reached, watch
from qsim.report.reading import Reading
from qsim.report.summary import Numbers, first_page, sentences
from qsim.report.words import words

ZH, EN = words("zh"), words("en")


def _silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def documents(complete):
    return {language: compose(complete, language, _silent) for language in ("zh", "en")}


@pytest.fixture(scope="module")
def document(documents):
    return documents["zh"]


def _tables(document):
    return [block for block in document.blocks if isinstance(block, Table)]


def _table(document, caption):
    return next(table for table in _tables(document) if table.caption.split(" ", 1)[1].startswith(caption))


def _filled(table):
    """Rows of a table with cells that continue the one above filled in."""
    rows, before = [], [None] * len(table.columns)
    for row in table.rows:
        before = [last if cell is None else cell for cell, last in zip(row, before, strict=True)]
        rows.append(before)
    return rows


def _of(table, number):
    return [row for row in _filled(table) if row[0] == str(number)]


def _paragraphs(document):
    return [block.text for block in document.blocks if isinstance(block, Paragraph)]


def _texts(document):
    for block in document.blocks:
        if isinstance(block, Heading | Paragraph):
            yield block.text
        elif isinstance(block, Table):
            yield from (block.caption, *block.notes, *(column.title for column in block.columns))
            yield from (cell.text if isinstance(cell, Link) else cell for row in block.rows for cell in row if cell)
        else:
            yield block.caption


def test_levels_stand_with_the_probability_they_are_met_with(document):
    table = _table(document, "有相应把握达到的水平")
    assert [column.title for column in table.columns[3:]] == [
        "90%把握", "80%把握", "70%把握", "50%把握", "10%把握（进取）",
    ]  # fmt: skip
    assert _of(table, 1)[0][2:] == ["93%以上", "91.5%", "92.0%", "92.6%", "93.4%", "95.7%"]
    assert _of(table, 2)[0][2] == "98%以上"  # of a path the last level, to which they belong


def test_paces_have_a_sign_and_marks_their_verdict(document):
    table = _table(document, "所需进度")
    rows = _of(table, 1)
    assert {tuple(row[2:4]) for row in rows} == {("+0.5个百分点", "-0.8个百分点\n（2012—2017年）")}
    assert [row[4:] for row in rows] == [
        ["欧盟统计局", "84%", "需要加快"],
        ["时序进度", "-12.0个百分点", "滞后"],
        ["联合国统计司、不合格率", "—", "提前完成"],
    ]
    assert _of(table, 3)[-1][-1] == "现已达到"  # what has to be held is not finished early
    for name in ("欧盟统计局", "联合国统计司", "不合格率", "时序进度"):
        assert [note for note in table.notes if note.startswith(f"{name}：") and "÷" in note]


def test_a_replaced_mark_table_prints_its_own_form(complete):
    first, *rest = complete.results
    own = replace(first, marks=(Mark(table="本局口径", form="实际÷计划", value=0.5, verdict="behind"),))
    table = pace(Reading(replace(complete, results=(own, *rest)), ZH), TableNumbers())
    assert "本局口径: 实际÷计划" in table.notes
    assert table.rows[0][4:] == ("本局口径", "0.50", "滞后")


def test_watch_lines_say_where_there_is_no_such_figure(document):
    assert [row[2:] for row in _of(_table(document, "年度观察线"), 1)] == [
        ["2018年", "低于92.9%", "低于91.0%", "3%至87%"],
        ["2019年", "低于93.8%", "无此数值", "24%至93%"],
    ]


def test_where_low_is_better_a_figure_above_the_line_counts(complete):
    first, *rest = complete.results
    low = replace(first, target=first.target.model_copy(update={"comparator": "<="}))
    reading = Reading(replace(complete, results=(low, *rest)), ZH)
    assert watch(reading, TableNumbers()).rows[0][3] == "高于92.9%"
    assert pace(reading, TableNumbers()).rows[0][2] == "-0.5个百分点"


def test_years_reached_and_never_add_up(document):
    table = _table(document, "首次达到要求的年份")
    assert [column.title for column in table.columns[3:]] == ["2018年", "2019年", "2020年", "以后或\n达不到"]
    assert _of(table, 1)[0][3:] == ["31%", "22%", "13%", "34%"]


@given(count=st.integers(1, 40))
def test_many_years_share_at_most_eight_columns_and_keep_their_sum(complete, count):
    first, *rest = complete.results
    shares = tuple(YearShare(year=2018 + place, share=0.8 / count) for place in range(count))
    own = replace(complete, results=(replace(first, reached=shares), *(replace(one, reached=()) for one in rest)))
    table = reached(Reading(own, ZH), TableNumbers())
    assert len(table.columns) <= 3 + 8 + 1
    assert table.rows[0][-1] == "20%"
    assert sum(float(cell.strip("%")) for cell in table.rows[0][3:-1]) == pytest.approx(80, abs=0.5 * 8)


def test_grades_stand_with_reasons_and_every_sensitivity(document):
    table = _table(document, "证据等级")
    assert _of(table, 1)[0][2:] == [
        "92.1%\n（2017年）", "B", "数据太少、数据太旧", "44%", "57%", "66%", "59%", "61%", "9",
    ]  # fmt: skip
    assert _of(table, 2)[0][-1] == "44"


def test_a_sensitivity_that_was_not_asked_for_has_no_column(complete):
    results = [
        replace(result, sensitivity=result.sensitivity and replace(result.sensitivity, other_engine=None))
        for result in complete.results
    ]
    table = _table(compose(replace(complete, results=tuple(results)), "zh", _silent), "证据等级")
    assert "另一算法" not in [column.title for column in table.columns]


def test_a_doubtful_target_has_one_sentence_and_the_rest_of_its_reasons(document):
    (row,) = _table(document, "概率不足50%").rows
    assert row[1] == "示例水质优良率△"
    assert row[3].startswith("未达到的情形中有62%，")
    assert row[3].count("。") == 1
    assert row[4] == "水平和变化速度不够（33%）、公布数字的误差（5%）"


def test_a_mean_gap_is_printed_where_the_target_may_well_fail(document, complete):
    table = _table(document, "目标达到的概率")
    gap = [column.title for column in table.columns].index("未达到时\n平均差距")
    known = [(result, row) for result in complete.results[:4] for row in _of(table, result.target.id[1:])]
    assert len(known) == 1 + 4 + 4 + 1
    for result, row in known:
        chance = next((one.p_published for one in result.years if f"{one.year}年" == row[3]), 1.0)
        assert row[gap] == ("1.2百分点" if chance <= 0.95 else "—"), row


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_thin_target_never_has_a_word_for_its_probability(documents, language):
    spoken, headline = words(language), {band.word for band in words(language).bands}
    document = documents[language]
    seen = 0
    for table in _tables(document):
        for row in _filled(table):
            if any(
                isinstance(cell, str) and cell.startswith(("示例食品抽检", "Pass rate of sample food")) for cell in row
            ):
                assert not headline & {cell for cell in row if isinstance(cell, str)}, (table.caption, row)
                seen += spoken("too_thin") in row
    assert seen >= 4  # once on the first page, and in each row of the full table


def test_the_first_page_names_what_is_too_thin_to_tell(complete):
    reading = Reading(complete, ZH)
    _, verdict, together, *_ = sentences(reading)
    assert "证据太少而无法判断的1项（示例食品抽检合格率）" in verdict
    judged, *parts = (int(number) for number in re.findall(r"(\d+)项", verdict))
    assert judged == sum(parts) == 3
    assert together == "上述3项（含证据太少的1项，只供参考）全部达到的概率为20%；预计达到1.8项，80%区间为1—3项。"


def test_where_everything_is_too_thin_no_probability_is_singled_out(complete):
    thin = tuple(
        result if result.grade is None else replace(result, grade=replace(result.grade, too_thin=True))
        for result in complete.results
    )
    verdict = sentences(Reading(replace(complete, results=thin), ZH))[1]
    assert verdict.endswith("；没有一项能下判断。")
    assert "%" not in verdict


def test_product_and_bounds_are_a_note_and_not_a_headline(document, complete):
    page = document.blocks[: next(i for i, block in enumerate(document.blocks) if isinstance(block, Heading))]
    notes = [note for block in page if isinstance(block, Table) for note in block.notes]
    assert "全部达到的概率已计入各项联动；如互不相关为18%，不论怎样联动都在0%至41%之间。" in notes
    assert not any("互不相关" in sentence for sentence in sentences(Reading(complete, ZH)))


def test_every_scope_is_taken_together(document):
    table = _table(document, "同时达到的概率")
    assert table.rows == (
        ("全部目标", "3", "20%", "1.8", "1—3", "18%", "0%至41%"),
        ("产品质量", "2", "25%", "1.1", "0—2", "18%", "0%至41%"),
        ("约束性目标", "1", "55%", "0.6", "0—1", "18%", "0%至41%"),
    )
    assert "全部目标中恰好达到的项数及概率：0项5%、1项30%、2项45%、3项20%；其余不足1%。" in table.notes


def test_a_single_indicator_is_not_taken_together(complete):
    one = tuple(replace(joint, indicators=1, distribution=(0.8, 0.2)) for joint in complete.joint)
    document = compose(replace(complete, joint=one), "zh", _silent)
    assert not any("同时达到" in text for text in _texts(document))


def test_nested_statements_are_said_to_count_once(complete):
    nested = tuple(replace(joint, statements=joint.statements + 1) for joint in complete.joint)
    reading = Reading(replace(complete, joint=nested), ZH)
    assert "上述4项" in sentences(reading)[2]
    assert "3项指标中预计达到1.8项" in sentences(reading)[2]


def test_scenarios_print_their_change_against_the_baseline(document, complete):
    by_id = {(result.scenario, result.target.id): result.p_published for result in complete.results}
    row = _of(_table(document, "各情景下发布值"), 1)[0]
    low, high = (round(100 * by_id[scenario, "t1"] + 1e-9) for scenario in ("baseline", "checks"))
    assert row[2] == f"{low}%"
    assert row[3] == (f"{high}%" if low == high else f"{high}%\n（{high - low:+d}）")
    together = _table(document, "各情景下同时达到")
    assert together.rows[0] == ("全部目标", "20%", "35%\n（+15）")
    assert together.rows[1] == ("预计达到项数", "1.8", "1.8")
    assert together.rows[2] == ("产品质量", "25%", "25%")


def test_every_measure_stands_with_what_it_rests_on(document):
    assert _table(document, "各情景的措施").rows == (
        ("延续现状", "不含新措施", "—", "—"),
        ("加密抽查情景", "加密抽查", "2019年", "假定：测试用假定"),
    )


@pytest.mark.parametrize(("language", "record"), [("zh", "40项中有29项达到"), ("en", "29 of 40 were met")])
def test_the_honest_frame_stands_once(documents, language, record):
    spoken, paragraphs = words(language), _paragraphs(documents[language])
    assert sum(record in text for text in paragraphs) == 1
    for caution in spoken.terms["caution"].values():
        assert sum(caution in text for text in _texts(documents[language])) == 1


def test_a_frame_without_a_record_claims_none(assessment):
    assert any("尚无统计" in text for text in _paragraphs(compose(assessment, "zh", _silent)))


def test_both_languages_have_the_same_content(documents):
    one, other = (_tables(documents[language]) for language in ("zh", "en"))
    assert [type(block) for block in documents["zh"].blocks] == [type(block) for block in documents["en"].blocks]
    for chinese, english in zip(one, other, strict=True):
        assert len(chinese.columns) == len(english.columns)
        assert len(chinese.notes) == len(english.notes), chinese.caption
        for row, twin in zip(chinese.rows, english.rows, strict=True):
            assert [_numbers(cell) for cell in row] == [_numbers(cell) for cell in twin], chinese.caption


def _numbers(cell):
    return sorted(re.findall(r"[<>]?\d+(?:\.\d+)?", cell)) if isinstance(cell, str) else cell is None


def test_chinese_pages_hold_no_other_latin_words(document):
    found = {token for text in _texts(document) for token in re.findall(r"[A-Za-z]{2,}", text)}
    assert found <= {"qsim", "NUTS"}


def test_english_pages_hold_no_chinese(documents):
    texts = [text for text in _texts(documents["en"]) if "示例省统计公报" not in text and "回溯检验" not in text]
    assert [text for text in texts if re.search("[\u4e00-\u9fff]", text)] == []


def test_no_table_is_empty(documents, thin):
    for document in (*documents.values(), compose(thin, "zh", _silent)):
        assert all(table.rows for table in _tables(document))
        assert all(cell != "" for table in _tables(document) for row in table.rows for cell in row)


def test_parts_and_their_headings_are_numbered_without_a_gap(document, thin):
    for own in (document, compose(thin, "zh", _silent)):
        parts = [block.text[0] for block in own.blocks if isinstance(block, Heading) and block.level == 1]
        assert parts == list("一二三四五六七八九")[: len(parts)]
        heads = [block.text for block in own.blocks if isinstance(block, Heading)]
        for before, after in pairwise(heads):
            if after.startswith("（"):
                last = "零一二三四五六七八九".index(before[1]) if before.startswith("（") else 0
                assert after[1] == "零一二三四五六七八九"[last + 1]


def test_what_is_not_there_has_no_part(thin, assessment):
    assert Reading(thin, ZH).parts == ("assessed", "gaps", "figures", "method")
    assert Reading(assessment, ZH).parts == ("assessed", "scenarios", "gaps", "figures", "method")


def test_references_lead_to_the_part_they_name(document):
    heads = {block.text[0]: block.text for block in document.blocks if isinstance(block, Heading) and block.level == 1}
    named = [match for text in _texts(document) for match in re.findall(r"各项要补什么见第(.)部分", text)]
    assert [heads[part] for part in named] == ["四、现有数据不能检验的目标"]


def test_targets_of_one_name_are_told_apart_by_what_they_ask_for(complete):
    first, second, *rest = complete.results
    twin = replace(second, target=second.target.model_copy(update={"name": first.target.name}))
    reading = Reading(replace(complete, results=(first, twin, *rest)), ZH)
    assert reading.target_name(first) == "示例产品监督抽查合格率93%以上"
    assert reading.target_name(first, full=True).startswith("示例产品监督抽查合格率（约束性）")


def test_levels_of_a_change_are_sizes_of_the_change(complete):
    first, *rest = complete.results
    change = next(target for target in complete.plan.targets if target.kind == "change")
    own = replace(complete, results=(replace(first, target=change), *rest))
    assert levels(Reading(own, ZH), TableNumbers()).rows[0][3] == "91.5%"


def test_a_checkpoint_that_never_crosses_is_still_a_row(complete):
    first, *rest = complete.results
    flat = Checkpoint(year=2018, half=None, fifth=None, p_worst=0.6, p_best=0.8)
    table = watch(Reading(replace(complete, results=(replace(first, checkpoints=(flat,)), *rest)), ZH), TableNumbers())
    assert table.rows[0][2:] == ("2018年", "无此数值", "无此数值", "60%至80%")


def test_a_note_of_several_targets_stands_once(complete):
    note = Names(zh="口径按当年规定", en="as defined that year")
    noted = tuple(
        replace(result, target=result.target.model_copy(update={"note": note if result.target.id != "t3" else None}))
        for result in complete.results
    )
    table = _table(compose(replace(complete, results=noted), "zh", _silent), "目标达到的概率")
    assert [text for text in table.notes if "口径按当年规定" in text] == ["第1—2、4项：口径按当年规定"]


def test_the_first_page_names_fewer_where_its_table_would_have_no_room(complete):
    def named(length):
        long = Names(zh="示例" * length, en="sample")
        results = tuple(
            replace(result, target=result.target.model_copy(update={"name": long})) for result in complete.results
        )
        catalogue = complete.catalogue.model_copy(
            update={"indicators": tuple(one.model_copy(update={"name": long}) for one in complete.catalogue.indicators)}
        )
        reading = Reading(replace(complete, results=results, catalogue=catalogue), ZH)
        page = first_page(reading, ("标题",), Numbers(summary=1, collect=2, full=3))
        text = "".join(block.text for block in page if isinstance(block, Paragraph))
        return text.count(long.zh), len(page[-1].rows if isinstance(page[-1], Table) else page[-2].rows)

    few, some = named(3), named(60)
    assert some[0] < few[0]
    assert some[1] >= 1


def test_a_few_known_outcomes_are_called_too_few(complete):
    few = replace(complete.frame, track_record=TrackRecord(statements=3, met=3, source="随附规划"))
    (told,) = [text for text in _paragraphs(compose(replace(complete, frame=few), "zh", _silent)) if "结果已知" in text]
    assert "只有3项，其中3项达到（随附规划）" in told
    assert "太少" in told
