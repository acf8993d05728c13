"""The objects a pod refers to by name: Secrets, ConfigMaps, claims and its ServiceAccount (RBAC-50).

Source: kubernetes/kubernetes ``pkg/api/v1/pod/util.go`` (VisitPodSecretNames, VisitPodConfigmapNames).
"""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from kubeaudit.model.decode import drop_nulls


class References(Struct, frozen=True):
    """Names in the pod's own namespace. ``ephemeral`` are volumes whose claims are named after pod and volume."""

    accounts: frozenset[str]
    secrets: frozenset[str]
    config_maps: frozenset[str]
    claims: frozenset[str]
    ephemeral: frozenset[str]

    def claims_of(self, pod: str) -> frozenset[str]:
        """PersistentVolumeClaims of a pod of that name."""
        return self.claims | {f"{pod}-{volume}" for volume in self.ephemeral}


class _Ref(Struct, frozen=True):
    name: str = ""


class _SecretRef(Struct, frozen=True, rename="camel"):
    secret_ref: _Ref = _Ref()


class _NodePublish(Struct, frozen=True, rename="camel"):
    node_publish_secret_ref: _Ref = _Ref()


class _SecretName(Struct, frozen=True, rename="camel"):
    secret_name: str = ""


class _Claim(Struct, frozen=True, rename="camel"):
    claim_name: str = ""


class _Source(Struct, frozen=True, rename="camel"):
    secret: _Ref = _Ref()
    config_map: _Ref = _Ref()


class _Projected(Struct, frozen=True):
    sources: tuple[_Source, ...] = ()


class _Volume(Struct, frozen=True, rename={"config_map": "configMap", "claim": "persistentVolumeClaim",
                                           "azure_file": "azureFile", "flex_volume": "flexVolume",
                                           "scale_io": "scaleIO"}):  # fmt: skip
    """core/v1 Volume: every source that names another object."""

    name: str = ""
    secret: _SecretName = _SecretName()
    config_map: _Ref = _Ref()
    projected: _Projected = _Projected()
    claim: _Claim = _Claim()
    ephemeral: dict[str, object] | None = None
    azure_file: _SecretName = _SecretName()
    cephfs: _SecretRef = _SecretRef()
    cinder: _SecretRef = _SecretRef()
    flex_volume: _SecretRef = _SecretRef()
    rbd: _SecretRef = _SecretRef()
    scale_io: _SecretRef = _SecretRef()
    iscsi: _SecretRef = _SecretRef()
    storageos: _SecretRef = _SecretRef()
    csi: _NodePublish = _NodePublish()

    def secrets(self) -> Iterator[str]:
        """Names of Secrets; empty ones among them."""
        yield from (self.secret.secret_name, self.azure_file.secret_name, self.csi.node_publish_secret_ref.name)
        yield from (source.secret.name for source in self.projected.sources)
        drivers = (self.cephfs, self.cinder, self.flex_volume, self.rbd, self.scale_io, self.iscsi, self.storageos)
        yield from (driver.secret_ref.name for driver in drivers)


class _ValueFrom(Struct, frozen=True, rename="camel"):
    secret_key_ref: _Ref = _Ref()
    config_map_key_ref: _Ref = _Ref()


class _Env(Struct, frozen=True, rename="camel"):
    value_from: _ValueFrom = _ValueFrom()


class _EnvFrom(Struct, frozen=True, rename="camel"):
    secret_ref: _Ref = _Ref()
    config_map_ref: _Ref = _Ref()


class _Container(Struct, frozen=True, rename="camel"):
    env: tuple[_Env, ...] = ()
    env_from: tuple[_EnvFrom, ...] = ()


class _Spec(Struct, frozen=True, rename="camel"):
    service_account_name: str = ""
    image_pull_secrets: tuple[_Ref, ...] = ()
    containers: tuple[_Container, ...] = ()
    init_containers: tuple[_Container, ...] = ()
    ephemeral_containers: tuple[_Container, ...] = ()
    volumes: tuple[_Volume, ...] = ()


def references(spec: bytes) -> References | None:
    """What a pod spec (JSON) refers to; None where its fields have other types than the API's."""
    try:
        found = msgspec.json.decode(spec, type=_Spec)
    except msgspec.DecodeError:
        try:
            found = msgspec.convert(drop_nulls(msgspec.json.decode(spec)), _Spec)
        except msgspec.DecodeError:
            return None
    containers = (*found.containers, *found.init_containers, *found.ephemeral_containers)
    env = [each.value_from for container in containers for each in container.env]
    env_from = [each for container in containers for each in container.env_from]
    secrets = {
        *(each.name for each in found.image_pull_secrets),
        *(each.secret_key_ref.name for each in env),
        *(each.secret_ref.name for each in env_from),
        *(name for volume in found.volumes for name in volume.secrets()),
    }
    config_maps = {
        *(each.config_map_key_ref.name for each in env),
        *(each.config_map_ref.name for each in env_from),
        *(volume.config_map.name for volume in found.volumes),
        *(source.config_map.name for volume in found.volumes for source in volume.projected.sources),
    }
    return References(
        frozenset({found.service_account_name} - {""}),
        frozenset(secrets - {""}),
        frozenset(config_maps - {""}),
        frozenset({volume.claim.claim_name for volume in found.volumes} - {""}),
        frozenset(volume.name for volume in found.volumes if volume.ephemeral is not None),
    )
