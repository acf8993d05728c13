"""Who the API server is and who we are to it: its version, and the user and groups it takes us for."""

import msgspec
from msgspec import Struct

from kubeaudit.collect.ask import Budget, Failure, Health, ask
from kubeaudit.collect.client import Client


class _Version(Struct, frozen=True, rename="camel"):
    git_version: str = ""


class User(Struct, frozen=True):
    """authentication.k8s.io/v1 UserInfo, as a SelfSubjectReview tells it; empty where the server does not."""

    username: str = ""
    groups: tuple[str, ...] = ()


class _ReviewStatus(Struct, frozen=True, rename="camel"):
    user_info: User = User()


class _Review(Struct, frozen=True):
    status: _ReviewStatus = _ReviewStatus()


def server_version(client: Client, budget: Budget, health: Health) -> str:
    """``gitVersion`` of the API server; "" where it is not told."""
    answer, _ = ask(lambda left: client.get("/version", seconds=left), budget, health)
    try:
        return "" if isinstance(answer, Failure) else msgspec.json.decode(answer.data, type=_Version).git_version
    except msgspec.DecodeError:
        return ""


def user(client: Client, budget: Budget, health: Health) -> User:
    """Who we are (KEP-3325, served since 1.28); empty where the server does not say."""
    answer, _ = ask(client.post_self_subject_review, budget, health)
    try:
        return (
            User() if isinstance(answer, Failure) else msgspec.json.decode(answer.data, type=_Review).status.user_info
        )
    except msgspec.DecodeError:
        return User()
