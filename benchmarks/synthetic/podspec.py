"""Pod specs as people write them, with everything an API server fills in; names and images stay placeholders."""

import random

from synthetic.template import Json

_PORTS = (8080, 8080, 8000, 3000, 5000, 9090, 9000, 80, 8443, 50051)
_ENV = (
    ("LOG_LEVEL", "info"),
    ("JAVA_TOOL_OPTIONS", "-XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel-collector.observability.svc:4317"),
    ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=<<ns>>,service.name=<<app>>"),
    ("KAFKA_BROKERS", "kafka-0.kafka.streaming.svc:9092,kafka-1.kafka.streaming.svc:9092"),
    ("REDIS_URL", "redis://<<app>>-cache.<<ns>>.svc:6379/0"),
    ("DATABASE_HOST", "<<ns>>.cluster-c3x1.eu-central-1.rds.amazonaws.com"),
    ("DATABASE_NAME", "<<app>>"),
    ("FEATURE_FLAGS_URL", "https://flags.internal.example.com"),
    ("HTTP_TIMEOUT_SECONDS", "30"),
    ("GOMAXPROCS", "2"),
    ("NODE_ENV", "production"),
    ("SPRING_PROFILES_ACTIVE", "kubernetes,prod"),
    ("MAX_POOL_SIZE", "20"),
    ("TZ", "Etc/UTC"),
    ("AWS_REGION", "eu-central-1"),
)
_SECRET_ENV = ("DATABASE_PASSWORD", "API_KEY", "SIGNING_KEY", "SMTP_PASSWORD", "OAUTH_CLIENT_SECRET")
_SIDECARS = (
    ("log-shipper", "docker.io/fluent/fluent-bit:3.2.4"),
    ("cloudsql-proxy", "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.1"),
    ("envoy", "docker.io/envoyproxy/envoy:v1.32.2"),
    ("config-reload", "ghcr.io/jimmidyson/configmap-reload:v0.14.0"),
)
_API_TOKEN_SOURCES = [
    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {
        "downwardAPI": {
            "items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]
        }
    },
]
_TOKEN_MOUNT: Json = {
    "name": "kube-api-access-<<access>>",
    "readOnly": True,
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
}
_NOT_READY: list[Json] = [
    {"key": f"node.kubernetes.io/{state}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    for state in ("not-ready", "unreachable")
]


def container(name: str, image: str, **fields: object) -> Json:
    """A container with the defaults of core/v1."""
    return {
        "name": name,
        "image": image,
        **fields,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "Always" if image.endswith(":latest") else "IfNotPresent",
    }


def pod_spec(containers: list[Json], **fields: object) -> Json:
    """A template's spec with the defaults of core/v1."""
    return {
        "containers": containers,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        **fields,
    }


def running(spec: Json, *, token: bool) -> Json:
    """What admission and the scheduler make of a template's spec: token volume, node, tolerations, priority."""
    containers = [dict(item) for item in _dicts(spec["containers"])]
    volumes = list(_dicts(spec.get("volumes", [])))
    if token:
        access: Json = {"name": _TOKEN_MOUNT["name"], "projected": {"sources": _API_TOKEN_SOURCES, "defaultMode": 420}}
        volumes.append(access)
        for item in containers:
            item["volumeMounts"] = [*_dicts(item.get("volumeMounts", [])), _TOKEN_MOUNT]
    return {
        **({"volumes": volumes} if volumes else {}),
        **spec,
        "containers": containers,
        "nodeName": "<<node>>",
        "tolerations": [*_dicts(spec.get("tolerations", [])), *_NOT_READY],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        **({"volumes": volumes} if volumes else {}),
    }


def application(rng: random.Random, *, job: bool = False) -> tuple[Json, bool]:
    """An application's template spec, and whether its token is mounted."""
    style = rng.choices(("hardened", "partial", "plain", "risky"), (35, 38, 24, 3))[0]
    main = _main_container(rng, style, job)
    sidecars = [] if job else rng.sample(_SIDECARS, rng.choices((0, 1, 2), (68, 25, 7))[0])
    containers = [main, *(_sidecar(rng, name, image, style) for name, image in sidecars)]
    fields: Json = {"serviceAccountName": "<<sa>>", "serviceAccount": "<<sa>>", "securityContext": _pod_security(style)}
    fields["nodeSelector"] = {"eks.amazonaws.com/nodegroup": "<<pool>>"}
    token = rng.random() > (0.6 if style == "hardened" else 0.1)
    if not token:
        fields["automountServiceAccountToken"] = False
    if volumes := _volumes(rng, style):
        fields["volumes"] = volumes
        main["volumeMounts"] = [{"name": volume["name"], "mountPath": f"/mnt/{volume['name']}"} for volume in volumes]
    if style == "risky" and rng.random() < 0.4:
        fields["hostNetwork"] = True
    if job:
        fields["restartPolicy"] = "Never"
    elif rng.random() < 0.4:
        fields["topologySpreadConstraints"] = [_spread()]
    return pod_spec(containers, **fields), token


def _main_container(rng: random.Random, style: str, job: bool) -> Json:
    fields: Json = (
        {"args": ["--config=/etc/app/config.yaml", f"--workers={rng.randrange(1, 9)}"]} if rng.random() < 0.4 else {}
    )
    fields["env"] = _environment(rng)
    if not job:
        port = rng.choice(_PORTS)
        fields["ports"] = [{"name": "http", "containerPort": port, "protocol": "TCP"}]
        probe = {"path": "/healthz", "port": "http", "scheme": "HTTP"}
        timing = {"timeoutSeconds": 2, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
        fields["readinessProbe"] = {"httpGet": probe, **timing}
        if rng.random() < 0.7:
            fields["livenessProbe"] = {"httpGet": probe, "initialDelaySeconds": 15, **timing}
    fields["resources"] = _resources(rng, style)
    if context := _container_security(rng, style):
        fields["securityContext"] = context
    return container("<<app>>", "<<image>>", **fields)


def _sidecar(rng: random.Random, name: str, image: str, style: str) -> Json:
    context = _container_security(rng, style)
    fields: Json = {"resources": _resources(rng, style)}
    return container(name, image, **fields, **({"securityContext": context} if context else {}))


def _environment(rng: random.Random) -> list[Json]:
    literal: list[Json] = [{"name": name, "value": value} for name, value in rng.sample(_ENV, rng.randrange(3, 11))]
    secret: list[Json] = [
        {
            "name": name,
            "valueFrom": {"secretKeyRef": {"name": "<<app>>-credentials", "key": name.lower().replace("_", "-")}},
        }
        for name in rng.sample(_SECRET_ENV, rng.randrange(0, 4))
    ]
    place: Json = {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}
    return [*literal, *secret, place]


def _resources(rng: random.Random, style: str) -> Json:
    if style == "plain" and rng.random() < 0.5:
        return {}
    memory = rng.choice(("128Mi", "256Mi", "512Mi", "1Gi", "2Gi"))
    limits = {"memory": memory} if rng.random() < 0.6 else {"cpu": "1", "memory": memory}
    return {"limits": limits, "requests": {"cpu": rng.choice(("50m", "100m", "250m", "500m")), "memory": memory}}


def _pod_security(style: str) -> Json:
    if style == "hardened":
        return {
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "runAsNonRoot": True,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    return {"fsGroup": 1000} if style == "partial" else {}


def _container_security(rng: random.Random, style: str) -> Json:
    if style == "hardened":
        return {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False}
    if style == "partial":
        return {"runAsNonRoot": True, "allowPrivilegeEscalation": False} if rng.random() < 0.6 else {"runAsUser": 1000}
    if style == "risky":
        return {"privileged": True} if rng.random() < 0.4 else {"capabilities": {"add": ["NET_ADMIN", "SYS_PTRACE"]}}
    return {}


def _volumes(rng: random.Random, style: str) -> list[Json]:
    found: list[Json] = []
    if rng.random() < 0.6:
        found.append({"name": "config", "configMap": {"name": "<<app>>-config", "defaultMode": 420}})
    if rng.random() < 0.25:
        found.append({"name": "tls", "secret": {"secretName": "<<app>>-tls", "defaultMode": 420}})
    if rng.random() < 0.35:
        found.append({"name": "tmp", "emptyDir": {}})
    if style == "risky":
        found.append(
            {
                "name": "host",
                "hostPath": {"path": rng.choice(("/var/log", "/", "/var/run/docker.sock", "/data")), "type": ""},
            }
        )
    return found


def _spread() -> Json:
    return {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "<<app>>"}},
    }


def _dicts(value: object) -> list[Json]:
    return value if isinstance(value, list) else []
