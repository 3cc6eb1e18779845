"""Forms: what answers are checked by, in which words, and that no form and no answer can hurt the process."""

from typing import Any

import pytest

from intake.domain import drafts, forms
from tests.intake import making

WORDS: dict[str, Any] = {
    "type": "object",
    "$defs": {
        "person": {
            "type": "object",
            "required": ["ho_ten"],
            "properties": {"ho_ten": {"type": "string", "title": "Họ và tên", "minLength": 2}},
            "additionalProperties": False,
        }
    },
    "properties": {
        "ten": {"type": "string", "title": "Tên hộ kinh doanh", "minLength": 3, "maxLength": 10},
        "von": {
            "type": "integer",
            "title": "Vốn",
            "minimum": 1_000,
            "x-message": {"minimum": "Vốn ít nhất 1.000 đồng"},
        },
        "nganh": {"title": "Ngành", "enum": ["ban_le", "ban_buon"], "x-message": "Chọn một ngành trong danh mục"},
        "ma": {"type": "string", "title": "Mã", "pattern": "^[A-Z]{2}$"},
        "ngay": {"type": "string", "title": "Ngày", "format": "date"},
        "thu": {"type": "string", "title": "Thư điện tử", "format": "email"},
        "dien_thoai": {"type": "string", "title": "Điện thoại", "format": "phone"},
        "so": {"type": "string", "title": "Số định danh", "format": "identity-number"},
        "mst": {"type": "string", "title": "Mã số thuế", "format": "tax-code"},
        "chu_ho": {"$ref": "#/$defs/person", "title": "Chủ hộ"},
        "lao_dong": {"type": "array", "title": "Người lao động", "items": {"$ref": "#/$defs/person"}, "maxItems": 2},
        "a/b~c": {"type": "boolean", "title": "Ô lạ"},
    },
    "required": ["ten", "chu_ho"],
    "additionalProperties": False,
}
GOOD: dict[str, Any] = {"ten": "Tạp hóa", "chu_ho": {"ho_ten": "Nguyễn Thị Hoa"}}


def found(answers: dict[str, Any], form: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    errors = forms.check(making.procedure(form=form or WORDS), answers)
    return [(error.pointer, error.code) for error in errors]


def message(**answers: Any) -> str:
    [error] = forms.check(making.procedure(form=WORDS), {**GOOD, **answers})
    return error.message


def test_a_procedure_without_a_form_takes_what_it_took_before() -> None:
    assert forms.check(making.procedure(form=None), {"anything": [1, {"at": "all"}]}) == []


def test_answers_that_fit_have_no_findings() -> None:
    full = {
        "von": 1_000, "nganh": "ban_le", "ma": "AB", "ngay": "2024-02-29", "thu": "hoa@example.vn",
        "dien_thoai": "0912 345 678", "so": "038185001234", "mst": "2801234567-001",
        "lao_dong": [{"ho_ten": "Lê Văn Tình"}], "a/b~c": True,
    }  # fmt: skip
    assert found(GOOD | full) == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"ten": None}, [("/form/ten", "type")]),
        ({"ten": "AB"}, [("/form/ten", "minLength")]),
        ({"ten": "A" * 11}, [("/form/ten", "maxLength")]),
        ({"von": "1000"}, [("/form/von", "type")]),
        ({"von": 999}, [("/form/von", "minimum")]),
        ({"nganh": "khac"}, [("/form/nganh", "enum")]),
        ({"ma": "ab"}, [("/form/ma", "pattern")]),
        ({"ngay": "2023-02-29"}, [("/form/ngay", "format")]),
        ({"ngay": "29/02/2024"}, [("/form/ngay", "format")]),
        ({"thu": "hoa@"}, [("/form/thu", "format")]),
        ({"dien_thoai": "12"}, [("/form/dien_thoai", "format")]),
        ({"dien_thoai": ""}, [("/form/dien_thoai", "format")]),
        ({"so": "12345678"}, [("/form/so", "format")]),
        ({"so": "٠٣٨١٨٥٠٠١٢٣٤"}, [("/form/so", "format")]),
        ({"so": "038185001234\n"}, [("/form/so", "format")]),
        ({"mst": "01012345678"}, [("/form/mst", "format")]),
        ({"chu_ho": {}}, [("/form/chu_ho/ho_ten", "required")]),
        ({"chu_ho": {"ho_ten": "Hoa", "tuoi": 3}}, [("/form/chu_ho/tuoi", "additionalProperties")]),
        ({"lao_dong": [{"ho_ten": "A"}, 7]}, [("/form/lao_dong/0/ho_ten", "minLength"), ("/form/lao_dong/1", "type")]),
        ({"lao_dong": [{"ho_ten": "An"}] * 3}, [("/form/lao_dong", "maxItems")]),
        ({"a/b~c": 1}, [("/form/a~1b~0c", "type")]),
        ({"la": 1, "khac": 2}, [("/form/khac", "additionalProperties"), ("/form/la", "additionalProperties")]),
    ],
    ids=str,
)
def test_each_wrong_answer_is_pointed_at_with_its_keyword(answers: dict[str, Any], expected: Any) -> None:
    assert sorted(found({**GOOD, **answers})) == expected


def test_every_missing_answer_has_its_own_pointer() -> None:
    assert sorted(found({})) == [("/form/chu_ho", "required"), ("/form/ten", "required")]


def test_the_sentence_is_vietnamese_and_begins_with_the_label() -> None:
    assert message(ten="AB") == "Tên hộ kinh doanh: cần ít nhất 3 ký tự"
    assert message(ngay="hôm qua").startswith("Ngày: không phải ngày hợp lệ")
    assert message(so="1") == "Số định danh: số định danh cá nhân gồm 12 chữ số, hoặc 9 chữ số của chứng minh nhân dân"
    [missing] = forms.check(making.procedure(form=WORDS), {"chu_ho": {"ho_ten": "Hoa"}})
    assert missing.message == "Tên hộ kinh doanh: chưa điền"
    [unknown] = forms.check(making.procedure(form=WORDS), {**GOOD, "{title}": 1})
    assert unknown.message == "{title}: biểu mẫu không có ô này"


def test_a_part_that_is_used_twice_is_called_what_it_is_called_there() -> None:
    form = {
        "type": "object",
        "$defs": {"ten": {"type": "string", "minLength": 2, "title": "Họ tên", "x-message": {"type": "Điền bằng chữ"}}},
        "properties": {"cha": {"$ref": "#/$defs/ten", "title": "Họ tên cha"}, "me": {"$ref": "#/$defs/ten"}},
        "required": ["cha", "me"],
    }

    def said(**answers: Any) -> list[str]:
        return sorted(error.message for error in forms.check(making.procedure(form=form), answers))

    assert said() == ["Họ tên cha: chưa điền", "Họ tên: chưa điền"]
    assert said(cha="A", me="B") == ["Họ tên cha: cần ít nhất 2 ký tự", "Họ tên: cần ít nhất 2 ký tự"]
    assert said(cha=1, me="Lan") == ["Điền bằng chữ"]


def test_a_form_has_its_own_words_for_everything_or_for_one_keyword() -> None:
    assert message(nganh="khac") == "Chọn một ngành trong danh mục"
    assert message(von=1) == "Vốn ít nhất 1.000 đồng"
    assert message(von="1") == "Vốn: không đúng kiểu dữ liệu"


def test_a_message_never_repeats_the_value() -> None:
    told = forms.check(making.procedure(form=WORDS), {**GOOD, "so": "bí-mật-riêng", "von": "bí-mật-riêng"})
    assert len(told) == 2
    assert not any("bí-mật" in error.message for error in told)


def test_conditions_of_2020_12_count() -> None:
    form = {
        "type": "object",
        "properties": {"thue": {"type": "boolean"}, "hop_dong": {"type": "string", "title": "Số hợp đồng"}},
        "if": {"properties": {"thue": {"const": True}}, "required": ["thue"]},
        "then": {"required": ["hop_dong"]},
        "dependentRequired": {"hop_dong": ["thue"]},
        "unevaluatedProperties": False,
    }
    assert found({"thue": False}, form) == []
    assert found({"thue": True}, form) == [("/form/hop_dong", "required")]
    assert found({"hop_dong": "1"}, form) == [("/form/thue", "required")]
    assert found({"x": 1}, form) == [("/form/x", "unevaluatedProperties")]


def test_at_most_fifty_findings_are_told_at_once() -> None:
    form = {"type": "object", "properties": {"so": {"type": "array", "items": {"type": "string"}}}}
    assert len(found({"so": list(range(500))}, form)) == forms.MOST_ERRORS


def test_a_corrected_version_is_not_checked_by_what_was_compiled_before() -> None:
    assert found(GOOD) == []
    assert found(GOOD, {"type": "object", "required": ["moi"]}) == [("/form/moi", "required")]
    assert found(GOOD) == []


def test_an_equal_copy_of_a_form_is_not_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(GOOD) == []
    monkeypatch.setattr(forms, "compiled", lambda _: pytest.fail("compiled again"))
    assert found(GOOD, dict(WORDS)) == []


@pytest.mark.parametrize(
    "form",
    [
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/schema"}}},
        {"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"type": "objekt"},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
        {"type": "object", "properties": {"a": {"pattern": "(?=x)y"}}},
    ],
    ids=str,
)
def test_a_form_that_needs_more_than_itself_is_unusable_and_says_so(form: dict[str, Any]) -> None:
    with pytest.raises(forms.UnusableForm) as refused:
        forms.check(making.procedure(form=form), {"a": 1})
    assert (refused.value.status, refused.value.code) == (503, "unusable_form")


@pytest.mark.parametrize("form", [{"$ref": "#"}, {"properties": {"a": {"$ref": "#"}}, "required": ["a"]}])
def test_a_form_that_refers_to_itself_ends(form: dict[str, Any]) -> None:
    deep: dict[str, Any] = {}
    for _ in range(9):
        deep = {"a": deep}
    found(deep, form)


def test_a_pattern_cannot_keep_a_process_busy() -> None:
    form = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    # Backtracking would take longer than the universe has.
    assert found({"a": "a" * 200_000 + "!"}, form) == [("/form/a", "pattern")]


def test_findings_tell_what_is_missing_from_what_is_wrong() -> None:
    answers = {"von": "x", "ma": "ab", "chu_ho": {}}
    sorted_out = drafts.sort_out(forms.check(making.procedure(form=WORDS), answers))
    assert sorted(error.pointer for error in sorted_out.missing) == ["/form/chu_ho/ho_ten", "/form/ten"]
    assert [error.pointer for error in sorted_out.mistyped] == ["/form/von"]
    assert [error.pointer for error in sorted_out.unfit] == ["/form/ma"]
