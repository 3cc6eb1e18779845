"""Many messages sent again, and what waits for each channel: for operators."""

from chassis.errors import NotFound
from chassis.web import Answer, Call, Router
from notify.domain.retries import PeriodInvalid, Retries
from notify.queries.channels import ChannelQueries
from notify.queries.retries import RetryQueries
from notify.schemas import channels, retries
from notify.usecases.access import MANAGE
from notify.usecases.retries import RetryMany


def _shown(act: Retries, version: int) -> Answer:
    return Answer(retries.RetriesView.of(act, version), 201, version)


def add_routes(router: Router, use: RetryMany, queries: RetryQueries, of_channels: ChannelQueries) -> None:
    @router.post(
        "/messages/retries", scope=MANAGE, needs="key", answers={201: retries.RetriesView}, raises=[PeriodInvalid]
    )
    def retry_messages(call: Call, body: retries.RetriesBody) -> Answer:
        """Has the messages of a channel that failed in a time sent again, 10,000 at most: a worker queues them one
        after the other, as `POST …/messages/{id}/retry` does."""
        return use.request(call, body.channel, body.since, body.until, body.reason, _shown)

    @router.get("/messages/retries/<id>", scope=MANAGE, answers={200: retries.RetriesView}, raises=[NotFound])
    def show_retries(call: Call, id: str) -> Answer:
        """How far such an act is."""
        loaded = queries.retries(id)
        return Answer(retries.RetriesView.of(loaded.state, loaded.version), 200, loaded.version)

    @router.get("/channels", scope=MANAGE, answers={200: channels.ChannelList})
    def list_channels(call: Call) -> Answer:
        """What waits for each channel, what failed in the last 24 hours, and since when it cannot be used."""
        items = [channels.ChannelView.of(one) for one in of_channels.channels(call.now)]
        return Answer(channels.ChannelList(items=items))
