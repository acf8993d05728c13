"""Node templates of Karpenter (karpenter.k8s.aws EC2NodeClass), only the fields that are read."""

from msgspec import Struct

from kubeaudit.model.objects.meta import Metadata


class MetadataOptions(
    Struct,
    frozen=True,
    rename={
        "http_endpoint": "httpEndpoint",
        "ipv6": "httpProtocolIPv6",
        "hop_limit": "httpPutResponseHopLimit",
        "tokens": "httpTokens",
    },
):
    """MetadataOptions of an EC2NodeClass; unset fields have Karpenter's defaults (MD-02)."""

    http_endpoint: str = "enabled"
    ipv6: str = "disabled"
    hop_limit: int = 1
    tokens: str = "required"


class EC2NodeClassSpec(Struct, frozen=True, rename="camel"):
    """Spec of an EC2NodeClass."""

    metadata_options: MetadataOptions = MetadataOptions()
    role: str = ""


class EC2NodeClass(Struct, frozen=True):
    """karpenter.k8s.aws EC2NodeClass."""

    metadata: Metadata
    spec: EC2NodeClassSpec = EC2NodeClassSpec()
