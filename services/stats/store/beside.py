"""What waits for the server waits in a thread of its own, while this one computes."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def beside(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[], T]:
    """Begins at once. Calling what is answered waits until it is done, for what it gave or raised; whoever begins
    something waits for its end, whatever happens meanwhile."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(act(*args, **kwargs))
        except BaseException as error:  # It is raised where it is waited for.
            future.set_exception(error)

    # A thread each time and no pool: a pool's threads are not there in a process that was forked off.
    Thread(target=run, daemon=True).start()
    return future.result
