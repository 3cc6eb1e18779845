"""What can be done with the words of messages: an editor changes them."""

from collections.abc import Callable

from chassis import errors
from chassis.errors import FieldError
from chassis.web import Answer, Call
from notify import samples
from notify.checks import Checker
from notify.domain.telling import Channel, Language
from notify.domain.wordings import Wording, Words, name_of
from notify.store import NotifyStore
from notify.store.series import id_of
from notify.usecases.editing import append


class TemplateUnknown(errors.NotFound):
    """There is no template with this name, or none for this channel and language."""

    code, title = "template_unknown", "Không có mẫu thông báo này"


class WordsWrong(errors.Invalid):
    """Nobody could be told in these words."""

    code, title = "words_invalid", "Nội dung mẫu thông báo không hợp lệ"


class Wordings:
    def __init__(self, store: NotifyStore, checker: Checker) -> None:
        self._store = store
        self._checker = checker

    def put(
        self,
        call: Call,
        template: str,
        channel: Channel,
        language: Language,
        words: Words,
        note: str | None,
        render: Callable[[Wording], Answer],
    ) -> Answer:
        """Makes the next version of a template's words; raises TemplateUnknown and WordsWrong."""
        name = name_of(template, channel, language)
        if template not in samples.samples() or self._checker.templates.words(name, 0) is None:
            raise TemplateUnknown(f"there is no template {name}")

        def decide(newest: Wording | None) -> Wording:
            wrong = self._wrong(template, channel, words)
            if wrong:
                raise WordsWrong("the words are not usable", errors=wrong)
            number = newest.number + 1 if newest else 1
            return Wording(
                id=id_of(name, number),
                name=name,
                number=number,
                words=words,
                by=call.principal.subject,
                at=call.now,
                note=note,
            )

        return append(self._store.wordings, name, call, decide=decide, render=render)

    def _wrong(self, template: str, channel: Channel, words: Words) -> list[FieldError]:
        return self._checker.show(template, channel, words)[1]
