"""An independent WebSub hub and a subscriber, each served on loopback.

with WebSubHub.running(folder) as hub, WebSubSubscriber.running(folder) as reader:
    reader.subscribe("http://127.0.0.1:8000/feeds/reward-model.atom")
    assert reader.deliveries == []
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask_websub.hub
import flask_websub.subscriber
from flask import Flask
from flask_websub.subscriber import discover
from werkzeug.serving import make_server

SUBSCRIBE_TIMEOUT = 10.0
"""Seconds to wait for a verification."""


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve an app on loopback, and yield its base URL."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TaskQueue:
    """The task queue that the hub needs: one thread runs tasks in order, without retries."""

    def __init__(self) -> None:
        self._todo: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run_tasks)
        self._thread.start()

    def task(self, **options: Any) -> Callable[[Callable[..., Any]], TaskQueue.Task]:
        return lambda function: TaskQueue.Task(self, function, bound=options.get("bind", False))

    def finish(self) -> None:
        """Wait until all tasks are done."""
        self._todo.join()

    def close(self) -> None:
        self._todo.put(None)
        self._thread.join()

    def _run_tasks(self) -> None:
        while (todo := self._todo.get()) is not None:
            todo()
            self._todo.task_done()

    class Task:
        def __init__(self, tasks: TaskQueue, function: Callable[..., Any], *, bound: bool) -> None:
            self._tasks, self._function, self._bound = tasks, function, bound

        def delay(self, *arguments: Any) -> None:
            first = (self,) if self._bound else ()
            self._tasks._todo.put(lambda: self._function(*first, *arguments))


class WebSubHub:
    """The hub; `published` are the topics of the publish requests, in order."""

    def __init__(self, tasks: TaskQueue) -> None:
        self.url = ""
        self.published: list[str] = []
        self._tasks = tasks

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[WebSubHub]:
        tasks = TaskQueue()
        storage = flask_websub.hub.SQLite3HubStorage(str(folder / "hub.sqlite3"))
        made = flask_websub.hub.Hub(storage, tasks)
        app = Flask("hub")
        app.config["PUBLISH_SUPPORTED"] = True
        app.register_blueprint(made.build_blueprint(url_prefix="/hub"))
        hub = cls(tasks)
        app.after_request(hub._record_publish)
        try:
            with served(app) as url:
                hub.url = f"{url}/hub"
                yield hub
                hub.finish()
        finally:
            tasks.close()

    def finish(self) -> None:
        """Wait until all content has been delivered to subscribers."""
        self._tasks.finish()

    def _record_publish(self, response: Any) -> Any:
        from flask import request

        if request.form.get("hub.mode") == "publish" and response.status_code == 202:
            self.published.append(request.form["hub.topic"])
        return response


class WebSubSubscriber:
    """A subscriber; `deliveries` are what the hub sent it, as (topic, body)."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, bytes]] = []
        self._app = Flask("reader")
        self._confirmed = threading.Event()

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[WebSubSubscriber]:
        reader, path = cls(), str(folder / "reader.sqlite3")
        reader._subscriber = flask_websub.subscriber.Subscriber(
            flask_websub.subscriber.SQLite3SubscriberStorage(path),
            flask_websub.subscriber.SQLite3TempSubscriberStorage(path),
        )
        reader._subscriber.add_listener(reader._record_delivery)
        reader._subscriber.add_success_handler(lambda *_: reader._confirmed.set())
        reader._app.register_blueprint(reader._subscriber.build_blueprint("/callbacks"))
        with served(reader._app) as url:
            reader._app.config["SERVER_NAME"] = url.removeprefix("http://")
            yield reader

    def subscribe(self, url: str) -> dict[str, str]:
        """Subscribe to a feed at the hub that it names; return the discovered URLs."""
        found: dict[str, str] = discover(url)
        self._confirmed.clear()
        with self._app.app_context():
            self._subscriber.subscribe(**found)
        assert self._confirmed.wait(SUBSCRIBE_TIMEOUT), "the hub did not verify the subscription"
        return found

    def _record_delivery(self, topic: str, callback: str, body: bytes) -> None:
        self.deliveries.append((topic, body))

    _subscriber: Any
