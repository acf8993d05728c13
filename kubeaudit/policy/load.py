"""Reads policy files. Everything that is wrong with any of them is told at once (CHK-09)."""

import string
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable

from kubeaudit.documents import compose_marked
from kubeaudit.errors import UsageError
from kubeaudit.findings import Reference
from kubeaudit.kinds import KINDS, NAMED_KIND, by_key
from kubeaudit.policy.cel import CompileError, Program, compile_expression
from kubeaudit.policy.problems import Fields, PolicyFile, Problem, near
from kubeaudit.policy.schema import (
    CONTAINER_LISTS,
    PLACEHOLDERS,
    WORKLOADS,
    Default,
    PatchTemplate,
    Policy,
    Predicate,
    variables,
)
from kubeaudit.settings import Severity

Predicates = Mapping[str, frozenset[str]]
"""Names of the predicates of the program, each with the parameters it takes."""

FIELDS = frozenset(Policy.__struct_fields__) - {"fields", "where"}
TOKENS = frozenset(["@rbac", "@policy", "@expose", "@route", "configmaps(named)", "secrets(metadata)"])
"""What ``requires`` may hold besides keys of the kinds table (checks.md, section 1)."""


def read_folder(folder: Traversable, name: str = "policies") -> tuple[PolicyFile, ...]:
    """Every ``THEME/ID.yaml`` of a folder. Raises :class:`UsageError` where there is none or one cannot be read."""
    files = []
    try:
        for theme in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if not theme.is_dir() or theme.name.startswith((".", "_")):
                continue
            for file in sorted(theme.iterdir(), key=lambda entry: entry.name):
                if file.name.endswith((".yaml", ".yml")):
                    stem = file.name.rpartition(".")[0]
                    files.append(
                        PolicyFile(theme.name, stem, f"{name}/{theme.name}/{file.name}", file.read_text("utf-8"))
                    )
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the policies of {name}: {error}") from error
    if not files:
        raise UsageError(f"{name} holds no policy", "a policy is a file THEME/ID.yaml")
    return tuple(files)


def load(files: Iterable[PolicyFile], predicates: Predicates) -> tuple[Policy, ...]:
    """The policies of some files, sorted by id. Raises one :class:`UsageError` with every problem of every file."""
    policies: list[Policy] = []
    problems: list[Problem | str] = []
    for file in files:
        try:
            value, marks = compose_marked(file.text, file.where)
        except UsageError as error:
            problems.append(error.message)
            continue
        if not isinstance(value, dict):
            problems.append(Problem(file.where, 1, 1, "", "must be a mapping of the fields of a policy"))
            continue
        fields = Fields(file, value, marks)
        policy = _policy(fields, file, predicates)
        problems.extend(sorted(fields.problems))
        policies.append(policy)
    problems.extend(_duplicates(policies))
    if problems:
        count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
        raise UsageError(f"{count} in policies:\n" + "\n".join(f"  {problem}" for problem in problems))
    return tuple(sorted(policies, key=lambda policy: policy.id))


def _duplicates(policies: Iterable[Policy]) -> Iterable[Problem]:
    first: dict[str, str] = {}
    for policy in policies:
        if policy.id and policy.id in first:
            yield Problem(policy.where, 1, 1, "id", f"{policy.id} is also the id of {first[policy.id]}")
        first.setdefault(policy.id, policy.where)


def _policy(fields: Fields, file: PolicyFile, predicates: Predicates) -> Policy:
    fields.known(FIELDS)
    kinds = _kinds(fields)
    each = _each(fields)
    names = variables(WORKLOADS in kinds, bool(each))
    expression, applies = fields.text("expression", required=False), fields.text("applies", required=False)
    program = _compile(fields, "expression", expression, names)
    _compile(fields, "applies", applies, names)
    predicate = _predicate(fields, predicates)
    _check_evaluation(fields, kinds, each)
    return Policy(
        id=_same(fields, "id", file.name, "the name of the file"),
        title=fields.text("title"),
        severity=Severity(_choice(fields, "severity", tuple(Severity), Severity.INFO)),
        theme=_same(fields, "theme", file.theme, "the name of the folder"),
        kinds=kinds,
        requires=_requires(fields),
        message=_message(fields, bool(each)),
        description=fields.text("description"),
        remediation=fields.text("remediation"),
        default=_default(fields),
        each=each,
        expression=expression,
        applies=applies,
        fields=program.fields if program else (),
        predicate=predicate,
        patch=_patch(fields, names),
        references=_references(fields),
        where=file.where,
    )


def _same(fields: Fields, key: str, wanted: str, what: str) -> str:
    found = fields.text(key)
    if found and found != wanted:
        fields.report((key,), f"must be {wanted}, {what}")
    return found


def _choice(fields: Fields, key: str, allowed: tuple[str, ...], otherwise: str) -> str:
    found = fields.text(key)
    if found and found not in allowed:
        fields.report((key,), f"must be one of {', '.join(allowed)}" + near(found, allowed))
    return found if found in allowed else otherwise


def _default(fields: Fields) -> Default:
    # Unquoted on and off are booleans in the YAML of the API machinery.
    value = fields.get("default")
    if value is True or value is False:
        return Default.ON if value else Default.OFF
    if value in tuple(Default):
        return Default(str(value))
    if fields.has("default"):
        fields.report(("default",), "must be on, off or opt-in")
    return Default.ON


def _kinds(fields: Fields) -> tuple[str, ...]:
    rows = defaultdict(list)
    for kind in (*KINDS, NAMED_KIND):
        rows[kind.kind].append(f"{kind.kind}.{kind.group}")
    full = {name for names in rows.values() for name in names}
    found = fields.words("kinds")
    for word in found:
        if len(rows.get(word, ())) > 1:
            fields.report(("kinds",), f"{word} is a kind of several groups: name one of {', '.join(rows[word])}")
        elif word != WORKLOADS and word not in rows and word not in full:
            fields.report(("kinds",), f"{word} is no kind that is read" + near(word, [*rows, WORKLOADS]))
    return found


def _requires(fields: Fields) -> tuple[str, ...]:
    found = fields.words("requires")
    allowed = [*by_key(), *TOKENS]
    for word in found:
        if word not in allowed:
            fields.report(("requires",), f"{word} is no resource that is read" + near(word, allowed))
    return found


def _each(fields: Fields) -> tuple[str, ...]:
    value = fields.get("each")
    if not fields.has("each"):
        return ()
    if value == "container":
        return CONTAINER_LISTS
    if isinstance(value, dict) and list(value) == ["containers"]:
        lists = fields.words("each", ("each", "containers"), value["containers"])
        for word in lists:
            if word not in CONTAINER_LISTS:
                fields.report(("each", "containers"), f"{word} is no list of containers" + near(word, CONTAINER_LISTS))
        return tuple(word for word in lists if word in CONTAINER_LISTS)
    fields.report(("each",), "must be container, or containers with the lists to cover")
    return ()


def _compile(fields: Fields, key: str, expression: str, names: tuple[str, ...]) -> Program | None:
    if not expression:
        return None
    try:
        return compile_expression(expression, names)
    except CompileError as error:
        for fault in error.faults:
            fields.report_inside((key,), fault.line, fault.column, fault.text)
    return None


def _check_evaluation(fields: Fields, kinds: tuple[str, ...], each: tuple[str, ...]) -> None:
    """Either an expression or a predicate, and only what goes with it."""
    if fields.has("expression") == fields.has("predicate"):
        fields.report((), "must have either expression or predicate")
    if fields.has("predicate"):
        for key in ("each", "applies", "message", "patch"):
            if fields.has(key):
                fields.report((key,), "goes with expression only")
    elif WORKLOADS in kinds and len(kinds) > 1:
        fields.report(("kinds",), f"an expression is about {WORKLOADS} or about other kinds, not both")
    if each and WORKLOADS not in kinds:
        fields.report(("each",), f"goes with kinds: {WORKLOADS} only")


def _predicate(fields: Fields, predicates: Predicates) -> Predicate | None:
    value = fields.get("predicate")
    if not fields.has("predicate"):
        return None
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()) or "name" not in value:
        fields.report(("predicate",), "must be a mapping of texts with a name")
        return None
    name = value["name"]
    if name not in predicates:
        fields.report(("predicate", "name"), f"{name} is no predicate" + near(name, predicates))
        return None
    parameters = {key: text for key, text in value.items() if key != "name"}
    for key in parameters:
        if key not in predicates[name]:
            fields.report(("predicate", key), f"is no parameter of {name}" + near(key, predicates[name]))
    return Predicate(name, parameters)


def _message(fields: Fields, each: bool) -> str:
    found = fields.text("message", required=not fields.has("predicate"))
    allowed = PLACEHOLDERS if each else PLACEHOLDERS - {"container"}
    try:
        parts = list(string.Formatter().parse(found))
    except ValueError as error:
        fields.report(("message",), f"has a brace that does not match: {error}")
        return found
    for _, name, form, conversion in parts:
        if name is not None and (name not in allowed or form or conversion):
            fields.report(("message",), f"{{{name}}} is not known here; it may name " + ", ".join(sorted(allowed)))
    return found


def _patch(fields: Fields, names: tuple[str, ...]) -> PatchTemplate | None:
    value = fields.get("patch")
    if not fields.has("patch"):
        return None
    if isinstance(value, dict) and len(value) == 1:
        root, after = next(iter(value.items()))
        if root in names and isinstance(after, dict) and after:
            return PatchTemplate(root, after)
    fields.report(("patch",), f"must be a mapping below one of {', '.join(names)}")
    return None


def _references(fields: Fields) -> tuple[Reference, ...]:
    value = fields.get("references")
    if not fields.has("references"):
        return ()
    if not isinstance(value, dict):
        fields.report(("references",), "must map a framework to its controls")
        return ()
    found = []
    for framework, controls in value.items():
        path = ("references", framework)
        found += [Reference(framework, control) for control in fields.words("references", path, controls or "")]
    return tuple(found)
