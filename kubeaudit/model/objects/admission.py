"""What extends or guards the API server: kinds of admissionregistration.k8s.io, apiregistration.k8s.io and
apiextensions.k8s.io, only the fields that are read.
"""

from msgspec import Struct

from kubeaudit.model.objects.meta import LabelSelector, Metadata


class ServiceReference(Struct, frozen=True):
    """The Service that answers for a webhook or an API group."""

    namespace: str = ""
    name: str = ""


class ClientConfig(Struct, frozen=True):
    """admissionregistration/v1 WebhookClientConfig: a Service or a URL."""

    service: ServiceReference | None = None
    url: str = ""


class ResourceRule(Struct, frozen=True, rename="camel"):
    """admissionregistration/v1 RuleWithOperations: which requests are shown."""

    operations: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class Webhook(Struct, frozen=True, rename="camel"):
    """admissionregistration/v1 ValidatingWebhook or MutatingWebhook."""

    name: str = ""
    client_config: ClientConfig = ClientConfig()
    rules: tuple[ResourceRule, ...] = ()
    namespace_selector: LabelSelector = LabelSelector()


class WebhookConfiguration(Struct, frozen=True):
    """admissionregistration/v1 ValidatingWebhookConfiguration or MutatingWebhookConfiguration."""

    metadata: Metadata
    webhooks: tuple[Webhook, ...] = ()


class MatchResources(Struct, frozen=True, rename="camel"):
    """admissionregistration/v1 MatchResources."""

    namespace_selector: LabelSelector = LabelSelector()
    resource_rules: tuple[ResourceRule, ...] = ()


class AdmissionPolicySpec(Struct, frozen=True, rename="camel"):
    """admissionregistration/v1 ValidatingAdmissionPolicySpec."""

    match_constraints: MatchResources = MatchResources()


class AdmissionPolicy(Struct, frozen=True):
    """admissionregistration/v1 ValidatingAdmissionPolicy."""

    metadata: Metadata
    spec: AdmissionPolicySpec = AdmissionPolicySpec()


class AdmissionBindingSpec(Struct, frozen=True, rename="camel"):
    """admissionregistration/v1 ValidatingAdmissionPolicyBindingSpec."""

    policy_name: str = ""
    validation_actions: tuple[str, ...] = ()
    match_resources: MatchResources = MatchResources()


class AdmissionBinding(Struct, frozen=True):
    """admissionregistration/v1 ValidatingAdmissionPolicyBinding."""

    metadata: Metadata
    spec: AdmissionBindingSpec = AdmissionBindingSpec()


class APIServiceSpec(Struct, frozen=True):
    """apiregistration/v1 APIServiceSpec; without a Service the API server answers itself."""

    service: ServiceReference | None = None
    group: str = ""


class APIService(Struct, frozen=True):
    """apiregistration/v1 APIService."""

    metadata: Metadata
    spec: APIServiceSpec = APIServiceSpec()


class ConversionWebhook(Struct, frozen=True, rename="camel"):
    """apiextensions/v1 WebhookConversion."""

    client_config: ClientConfig = ClientConfig()


class Conversion(Struct, frozen=True):
    """apiextensions/v1 CustomResourceConversion."""

    strategy: str = "None"
    webhook: ConversionWebhook | None = None


class Names(Struct, frozen=True):
    """apiextensions/v1 CustomResourceDefinitionNames."""

    plural: str = ""
    kind: str = ""


class DefinitionSpec(Struct, frozen=True):
    """apiextensions/v1 CustomResourceDefinitionSpec."""

    group: str = ""
    names: Names = Names()
    scope: str = ""
    conversion: Conversion | None = None


class Definition(Struct, frozen=True):
    """apiextensions/v1 CustomResourceDefinition."""

    metadata: Metadata
    spec: DefinitionSpec = DefinitionSpec()


class Extensions(Struct, frozen=True):
    """Everything that extends or guards the API server of a cluster."""

    validating_webhooks: tuple[WebhookConfiguration, ...] = ()
    mutating_webhooks: tuple[WebhookConfiguration, ...] = ()
    admission_policies: tuple[AdmissionPolicy, ...] = ()
    admission_bindings: tuple[AdmissionBinding, ...] = ()
    api_services: tuple[APIService, ...] = ()
    definitions: tuple[Definition, ...] = ()
