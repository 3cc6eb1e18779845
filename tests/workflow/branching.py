"""A process with parallel branches, for acts that concern one of them."""

from catalog.domain import Step
from tests.support.catalogue import days
from tests.workflow import making
from workflow.domain.processes import Process


def parallel() -> Process:
    """`in`; then `left` at the parent agency, and `right` with `check` behind it; `sign` behind both decides; `out`."""
    steps = (
        Step(id="in", name="Tiếp nhận", role="one_stop", amount=days(0.5)),
        Step(id="left", name="Lấy ý kiến", role="expert", agency="@parent", amount=days(1), after=("in",)),
        Step(id="right", name="Thẩm định", role="expert", amount=days(1), after=("in",)),
        Step(id="check", name="Rà soát", role="head", amount=days(0.5), after=("right",)),
        Step(id="sign", name="Ký duyệt", role="leader", amount=days(0.5), decision=True, after=("left", "check")),
        Step(id="out", name="Trả kết quả", role="clerk", amount=days(0.5), after=("sign",)),
    )
    return making.started(making.procedure(*steps), 10)[0]
