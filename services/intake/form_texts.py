"""What is said of an answer that does not fit its form, by the JSON Schema keyword that it breaks.

Vietnamese alone, since it stands in `errors[].message` beside a stable code. `{title}` is the field's label; the other
names are the keyword's own.
"""

WRONG: dict[str, str] = {
    "required": "{title}: chưa điền",
    "type": "{title}: không đúng kiểu dữ liệu",
    "enum": "{title}: không có trong danh mục được chọn",
    "const": "{title}: không đúng giá trị quy định",
    "minLength": "{title}: cần ít nhất {limit} ký tự",
    "maxLength": "{title}: không quá {limit} ký tự",
    "pattern": "{title}: không đúng mẫu quy định",
    "minimum": "{title}: không được nhỏ hơn {limit}",
    "maximum": "{title}: không được lớn hơn {limit}",
    "exclusiveMinimum": "{title}: phải lớn hơn {limit}",
    "exclusiveMaximum": "{title}: phải nhỏ hơn {limit}",
    "multipleOf": "{title}: phải là bội số của {multiple_of}",
    "minItems": "{title}: cần ít nhất {limit} mục",
    "maxItems": "{title}: không quá {limit} mục",
    "uniqueItems": "{title}: có mục bị lặp",
    "minProperties": "{title}: cần điền ít nhất {limit} ô",
    "maxProperties": "{title}: điền quá {limit} ô",
    "additionalProperties": "{title}: biểu mẫu không có ô này",
    "unevaluatedProperties": "{title}: biểu mẫu không có ô này",
    "propertyNames": "{title}: tên ô không đúng quy định",
}
FORMATS: dict[str, str] = {
    "date": "{title}: không phải ngày hợp lệ, cần dạng năm-tháng-ngày, ví dụ 2026-03-04",
    "email": "{title}: không phải địa chỉ thư điện tử",
    "phone": "{title}: không phải số điện thoại",
    "identity-number": "{title}: số định danh cá nhân gồm 12 chữ số, hoặc 9 chữ số của chứng minh nhân dân",
    "tax-code": "{title}: mã số thuế gồm 10 hoặc 13 chữ số",
}
OTHERWISE = "{title}: không hợp lệ"
