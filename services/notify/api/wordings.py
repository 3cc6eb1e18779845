"""The words of messages. In the paths `template` is a template's name, `received` say, and no event's type."""

from typing import cast, get_args

from chassis.errors import FieldError, Invalid, Stale
from chassis.web import Answer, Call, Router
from notify import samples
from notify.checks import Checker
from notify.domain.telling import Channel, Language
from notify.domain.wordings import Wording, Words
from notify.queries.editing import EditorQueries
from notify.schemas import wordings as schemas
from notify.schemas.rules import VersionQuery, VersionsQuery
from notify.usecases.access import EDIT
from notify.usecases.wordings import TemplateUnknown, Wordings, WordsWrong

ONE = "/templates/<template>/<channel>/<language>"


def _channel_and_language(channel: str, language: str) -> tuple[Channel, Language]:
    if channel not in get_args(Channel) or language not in get_args(Language):
        raise TemplateUnknown(f"there is no channel {channel[:20]} in {language[:20]}")
    return cast("Channel", channel), cast("Language", language)


def add_routes(router: Router, use: Wordings, queries: EditorQueries, checker: Checker) -> None:
    def view(template: str, channel: Channel, language: Language, words: Words, wording: Wording | None) -> Answer:
        body = schemas.TemplateView(
            **_row(template, channel, language, wording).model_dump(),
            subject=words.subject,
            text=words.text,
            html=words.html,
            note=wording.note if wording else None,
            fields=queries.fields(template),
        )
        return Answer(body, 200, body.version)

    @router.get("/templates", scope=EDIT, answers={200: schemas.TemplatePage})
    def list_templates(call: Call, query: schemas.TemplatesQuery) -> Answer:
        """All templates, with the version of their words that counts."""
        found, following = queries.templates(
            query.cursor, query.limit, template=query.template, channel=query.channel, language=query.language
        )
        items = [_listed(name, wording) for name, wording in found]
        return Answer(schemas.TemplatePage(items=items, next=following))

    @router.get(ONE, scope=EDIT, answers={200: schemas.TemplateView}, raises=[TemplateUnknown])
    def show_template(call: Call, template: str, channel: str, language: str, query: VersionQuery) -> Answer:
        """The words of a template (its name, such as `received`) that count now, or a version before."""
        by, tongue = _channel_and_language(channel, language)
        return view(template, by, tongue, *queries.words(template, by, tongue, query.version))

    @router.put(
        ONE,
        scope=EDIT,
        needs="key_or_match",
        answers={200: schemas.TemplateView},
        raises=[TemplateUnknown, WordsWrong, Stale],
    )
    def put_template(call: Call, template: str, channel: str, language: str, body: schemas.WordsBody) -> Answer:
        """Sets the words of a template (its name, such as `received`): the next version, which counts within seconds.

        What is queued is sent in the new words; a message that was sent keeps those it was sent in. Refused are words
        that ask for what is not given, leave out what must be said, or are too long for their channel.
        """
        by, tongue = _channel_and_language(channel, language)

        def render(wording: Wording) -> Answer:
            return view(template, by, tongue, wording.words, wording)

        return use.put(call, template, by, tongue, body.words(), body.note, render)

    @router.get(f"{ONE}/versions", scope=EDIT, answers={200: schemas.TemplateVersions}, raises=[TemplateUnknown])
    def list_template_versions(call: Call, template: str, channel: str, language: str, query: VersionsQuery) -> Answer:
        """Who changed a template's words, and when; the newest first. Version 0, the project's own, is not listed."""
        by, tongue = _channel_and_language(channel, language)
        found, following = queries.words_versions(template, by, tongue, query.cursor, query.limit)
        items = [schemas.versions_row(wording) for wording in found]
        return Answer(schemas.TemplateVersions(items=items, next=following))

    @router.post(f"{ONE}/preview", scope=EDIT, answers={200: schemas.Preview}, raises=[TemplateUnknown, Invalid])
    def preview_template(call: Call, template: str, channel: str, language: str, body: schemas.PreviewBody) -> Answer:
        """What words say of a sample, how long an SMS of them is, and what is wrong with them. Stores nothing."""
        by, tongue = _channel_and_language(channel, language)
        words, _ = queries.words(template, by, tongue)
        if body.text is not None:
            words = Words(subject=body.subject, text=body.text, html=body.html)
        try:
            sample = None if body.sample is None else samples.read(body.sample)
        except (ValueError, TypeError):
            wrong = [FieldError("/sample", "sample", "what ends in _at must be an RFC 3339 time")]
            raise Invalid("the sample cannot be read", errors=wrong) from None
        return Answer(schemas.Preview.of(*checker.show(template, by, words, sample)))


def _row(template: str, channel: Channel, language: Language, wording: Wording | None) -> schemas.TemplateRow:
    return schemas.TemplateRow(
        template=template,
        channel=channel,
        language=language,
        version=wording.number if wording else 0,
        changed_at=wording.at if wording else None,
        changed_by=wording.by if wording else None,
    )


def _listed(name: str, wording: Wording | None) -> schemas.TemplateRow:
    language, _, rest = name.partition("/")
    template, _, channel = rest.partition(".")
    return _row(template, *_channel_and_language(channel, language), wording)
