"""The brokers that settings name: kombu's transports, with what they get wrong put right."""

from __future__ import annotations

import os
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem, redis
from kombu.utils.json import dumps


class RedisChannel(redis.Channel):
    """When Redis goes away while tasks run, their channel is closed before they are acknowledged.

    kombu 5.7 then stumbles over the connection that is no longer there: an AttributeError, which ends the whole worker
    and all that it is doing. Said as the connection error that it is, the worker connects anew.
    """

    def _connparams(self, *given: Any, **named: Any) -> Any:
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("The connection of this channel is closed.")
        return super()._connparams(*given, **named)


class RedisTransport(redis.Transport):
    Channel = RedisChannel


class FileChannel(filesystem.Channel):
    """A message in a file is there when it is whole.

    kombu 5.7 makes the file and then writes it: a worker that looked in between read half a message, which ended it.
    """

    def _put(self, queue: str, payload: Any, **given: Any) -> None:
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        path = os.path.join(self.data_folder_out, name)
        try:
            with open(f"{path}.part", "w") as file:
                file.write(dumps(payload))
            os.replace(f"{path}.part", path)
        except OSError as error:
            raise ChannelError(f"Cannot add file {path!r} to directory") from error


class FileTransport(filesystem.Transport):
    Channel = FileChannel
