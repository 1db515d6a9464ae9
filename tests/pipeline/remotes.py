"""Real remotes on loopback: a folder, moto's S3 server, an SSH server with SFTP (asyncssh's own)."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import boto3
from dvc.config import Config
from moto import settings
from moto.core.responses import ActionAuthenticatorMixin
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAOFACOLLABORATOR",
    "AWS_SECRET_ACCESS_KEY": "secret+of/a+collaborator",
    "AWS_DEFAULT_REGION": REGION,
}


@dataclass(frozen=True)
class Remote:
    """A remote's address and settings, for DVC's local config, and what the environment must hold."""

    url: str
    settings: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)

    def add(self, project: Path, **changes: str) -> None:
        """Make it the project's remote, in the config that git does not see."""
        # As `dvc remote add` and `dvc remote modify` do it, without a process for each setting.
        with Config(str(project / ".dvc")).edit("local") as config:
            config["remote"]["real"] = {"url": self.url, "verify": "true", **self.settings, **changes}
            config["core"]["remote"] = "real"


@contextmanager
def folder(at: Path) -> Iterator[Remote]:
    """Yield a folder."""
    yield Remote(str(at))


@contextmanager
def s3(_: Path) -> Iterator[Remote]:
    """Yield a bucket of moto's server; keys come from the environment."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line a request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        keys = {"aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
        boto3.client("s3", endpoint_url=address, region_name=REGION, **keys).create_bucket(Bucket="har")
        yield Remote("s3://har/store", {"endpointurl": address}, KEYS)
    finally:
        server.stop()


@contextmanager
def ssh(at: Path) -> Iterator[Remote]:
    """Yield a folder behind an SSH server that lets one key in; host key and user's key last as long as the server."""
    at.mkdir(parents=True)
    keyfile = at.with_name(f"{at.name}_key")
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(keyfile)
    keyfile.chmod(0o600)
    authorised = asyncssh.import_authorized_keys(key.export_public_key().decode())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=authorised,
            sftp_factory=True,
            allow_scp=False,
        )

    async def close(server: asyncssh.SSHAcceptor) -> None:
        server.close()
        await server.wait_closed()

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    try:
        settings = {
            "user": "har_collaborator",
            "port": str(server.get_port()),
            "keyfile": str(keyfile),
            "timeout": "10",
        }
        yield Remote(f"ssh://127.0.0.1{at}", settings)
    finally:
        asyncio.run_coroutine_threadsafe(close(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def keys_checked() -> Iterator[None]:
    """Make moto look at keys, as S3 does; it knows none."""
    settings.INITIAL_NO_AUTH_ACTION_COUNT, ActionAuthenticatorMixin.request_count = 0.0, 0
    try:
        yield
    finally:
        settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")


def free_port() -> int:
    """Return a port of loopback at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
