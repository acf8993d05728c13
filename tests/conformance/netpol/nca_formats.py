"""network-config-analyzer's output files, expanded over the peers of a configuration (network.md, MAP-21..26).

Where a mesh is evaluated there are two parts, for TCP and for the rest (MAP-23). Conditions of HTTP in a row are left
out, its ports are compared.
"""

import csv
import io
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from kubeaudit.documents import Document, parse

from .nca import EVERYTHING, TCP, Config, Peer, Range, Relation, span

Row = tuple[str, str, str, str, int]
"""Namespaces and pods of the source (namespaces "" where it is outside), the same of the destination, connections."""
End = Peer | Range | str
"""A pod, a range of addresses, or the name of a host outside."""

_RULE = re.compile(
    r"(?:src: (?P<src>\S+)|src_ns: \[(?P<src_ns>[^]]*)\] src_pods: \[(?P<src_pods>[^]]*)\])"
    r" (?:dst: (?P<dst>\S+)|dst_ns: \[(?P<dst_ns>[^]]*)\] dst_pods: \[(?P<dst_pods>[^]]*)\]) conn: (?P<conn>.*)"
)
_TERM = re.compile(
    r"(?P<neg>!)?has\((?P<has>[^)]+)\)"
    r"|(?P<key>[\w./-]+) ?(?:(?P<op>!?=)(?P<value>[\w./-]+)|(?P<among>not in|in) \((?P<in>[^)]*)\))"
)
_EDGE = re.compile(r'^\s*"([^"]+)" -> "([^"]+)" ?\[(.*)\]$', re.MULTILINE)
_PART = re.compile(r"(?:^For connections of type |, for |^)(?P<non>non-)?TCP(?:, | connections\"| Connections:|_rules)")
_CLIQUE = re.compile(r"(bi)?clique_")
_NODE = re.compile(r'^\s*"([^"]+)" \[(.*?)\]$', re.MULTILINE | re.DOTALL)


def stated(text: str, fmt: str, configs: dict[str, Config]) -> dict[str, Relation]:
    """The relation that an output states of each configuration, by name."""
    if fmt == "dot":
        only = next(iter(configs.values()))
        return {only.name: _dot(text, only)}
    found = {"txt": _txt, "csv": _csv, "md": _md, "yaml": _yaml, "json": _json, "txt_no_fw_rules": _plain}[fmt](text)
    return {_named(name, configs): _relation(rows, configs[_named(name, configs)]) for name, rows in found.items()}


def _named(name: str, configs: dict[str, Config]) -> str:
    """A configuration by the name in an output, where a file is named by its path or its last part."""
    return name if name in configs else next(iter(configs))


def _relation(rows: Iterable[Row], config: Config) -> Relation:
    relation = Relation()
    for src_ns, src, dst_ns, dst, held in rows:
        sources, targets = _ends(src_ns, src, config), _ends(dst_ns, dst, config)
        for one in sources:
            for other in targets:
                _add(relation, one, other, held)
    return relation


def _add(relation: Relation, one: End, other: End, held: int) -> None:
    if isinstance(one, Peer) and isinstance(other, Peer):
        relation.pair(one.key, other.key, held)
    elif isinstance(one, Peer) and isinstance(other, str):
        relation.pair(one.key, other, held & TCP)
    elif isinstance(one, Peer) and isinstance(other, tuple):
        relation.with_outside(one.key, "egress", other, held)
    elif isinstance(other, Peer) and isinstance(one, tuple):
        relation.with_outside(other.key, "ingress", one, held)


def _part(heading: str) -> int:
    """The connections that a part of an output is about."""
    found = _PART.search(heading)
    return (EVERYTHING & ~TCP if found["non"] else TCP) if found else EVERYTHING


def connections(text: str) -> int:
    """``All connections``, ``{protocols:TCP,dst_ports:80-90}`` joined by commas, or ``All but`` such a set.

    Where a set has no protocols it is of TCP.
    """
    if text.lower().startswith("all connections") or text == "All":
        return EVERYTHING
    if text.startswith("All but "):
        return EVERYTHING & ~connections(text.removeprefix("All but "))
    held = 0
    for part in re.findall(r"\{([^{}]*)\}", text):
        fields = dict(re.findall(r"(\w+):((?:(?!,\w+:).)*)", part))
        held |= _protocols(fields.get("protocols", "TCP"), fields.get("dst_ports", ""))
    return held


def _protocols(names: str, ports: str) -> int:
    if names.startswith("all but "):
        return EVERYTHING & ~_protocols(names.removeprefix("all but "), ports)
    held = 0
    for name in names.split(","):
        for interval in ports.split(",") if ports else ("1-65535",):
            first, _, last = interval.strip().partition("-")
            held |= span(name.strip(), int(first), int(last or first))
    return held


def _ends(namespaces: str, text: str, config: Config) -> list[End]:
    if not namespaces:
        return [_place(part.strip()) for part in text.split(",")]
    inside = {name.strip() for name in namespaces.split(",")}
    wanted = [part.strip() for part in _split(text)]
    found: list[End] = [p for p in config.peers if p.namespace in inside and any(_is(p, part) for part in wanted)]
    assert found, f"no pods are {text} in {namespaces}"
    return found


def _split(text: str) -> Iterator[str]:
    """Parts between commas outside of parentheses."""
    depth, part = 0, ""
    for letter in text:
        depth += (letter in "({") - (letter in ")}")
        if letter == "," and not depth:
            yield part
            part = ""
        else:
            part += letter
    yield part


def _is(peer: Peer, text: str) -> bool:
    """Whether a peer is meant: by ``*``, by a name, or by an expression over its labels."""
    if text == "*" or text in peer.names:
        return True
    if not re.search(r"has\(|=| in ", text):
        return False

    def holds(found: re.Match[str]) -> str:
        if found["has"]:
            return str((found["has"] in peer.labels) is not bool(found["neg"]))
        value = peer.labels.get(found["key"])
        if found["among"]:
            return str((value in found["in"].split(",")) is (found["among"] == "in"))
        return str((value == found["value"]) is (found["op"] == "="))

    python = _TERM.sub(holds, text).replace("{", "(").replace("}", ")")
    return bool(eval(python, {"__builtins__": {}}))


def _place(text: str) -> Range | str:
    """A range of addresses, or the name of a host."""
    return _range(text) if re.match(r"[\d.]+(/|-|$)", text) or ":" in text else text


def _range(text: str) -> Range:
    if "/" in text:
        network = ipaddress.ip_network(text)
        return network.version, int(network.network_address), int(network.broadcast_address)
    first, _, last = text.partition("-")
    low = ipaddress.ip_address(first)
    return low.version, int(low), int(ipaddress.ip_address(last or first))


def _txt(text: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    rows, part = list[Row](), EVERYTHING
    for line in text.splitlines():
        if "final fw rules for query: " in line:
            rows, part = found.setdefault(line.partition(", config: ")[2].rstrip(":"), []), _part(line)
        elif rule := _RULE.fullmatch(line.strip()):
            source = (rule["src_ns"] or "", rule["src"] or rule["src_pods"])
            target = (rule["dst_ns"] or "", rule["dst"] or rule["dst_pods"])
            rows.append((*source, *target, connections(rule["conn"]) & part))
        elif line.strip():
            raise ValueError(f"no rule: {line}")
    return found


def _table(lines: Iterable[list[str]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    rows, part = list[Row](), EVERYTHING
    for query, *cells in lines:
        if ", config: " in query:
            rows, part = found.setdefault(query.partition(", config: ")[2], []), _part(query)
        elif not query and len(cells) >= 5 and cells[4]:
            src_ns, src, dst_ns, dst = (cell.strip("[]") for cell in cells[:4])
            rows.append((src_ns, src, dst_ns, dst, connections(cells[4]) & part))
    return found


def _csv(text: str) -> dict[str, list[Row]]:
    return _table(row for row in list(csv.reader(io.StringIO(text)))[1:] if row)


def _md(text: str) -> dict[str, list[Row]]:
    return _table(line[1:-1].split("|", 5) for line in text.splitlines()[2:])


def _yaml(text: str) -> dict[str, list[Row]]:
    documents = parse(text.encode(), "expected.yaml")
    return _rules([entry for d in documents if isinstance(d, Document) for entry in _listed(d.value)])


def _json(text: str) -> dict[str, list[Row]]:
    return _rules(json.loads(text))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _rules(entries: list[Any]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for entry in entries:
        rows = found.setdefault(entry["configs"][0], [])
        parts = [(key, rules) for block in entry.get("explanation") or [] for key, rules in block.items()]
        for key, rules in parts:
            for rule in rules if key.endswith("rules") and rules else ():
                src, dst = (_side(rule, side) for side in ("src", "dst"))
                rows.append((*src, *dst, connections(_conn(rule["connection"])) & _part(key)))
    return found


def _side(rule: Any, side: str) -> tuple[str, str]:
    for outside in ("ip_block", "dns_entry"):
        if f"{side}_{outside}" in rule:
            return "", ",".join(rule[f"{side}_{outside}"])
    return ",".join(rule[f"{side}_ns"]), ",".join(rule[f"{side}_pods"])


def _conn(listed: list[Any]) -> str:
    parts = []
    for one in listed:
        if isinstance(one, str):
            return one
        names = one.get("protocols", "TCP")
        ports = ",".join(str(port) for port in one.get("dst_ports", []))
        parts.append(f"{{protocols:{names},dst_ports:{ports}}}" if ports else f"{{protocols:{names}}}")
    return ",".join(parts)


def _plain(text: str) -> dict[str, list[Row]]:
    rows, part = list[Row](), EVERYTHING
    for line in text.splitlines():
        if line.endswith("TCP Connections:"):
            part = _part(line)
        elif " => " in line:
            ends, _, conn = line.partition(" : ")
            src, _, dst = ends.strip().partition(" => ")
            rows.append((*_end_of_line(src), *_end_of_line(dst), connections(conn.strip()) & part))
    return {"": rows}


def _end_of_line(text: str) -> tuple[str, str]:
    """``namespace/name[Kind]`` or a range of addresses."""
    namespace, _, name = text.partition("[")[0].partition("/")
    return ("", text) if "[" not in text else (namespace, name)


def _dot(text: str, config: Config) -> Relation:
    """Edges between groups of workloads. All that lead to one clique are open to each other; what leads to a biclique
    is open to what it leads to.
    """
    relation = Relation()
    for graph in text.split("digraph {")[1:]:
        _graph(graph, _part(graph.partition("labelloc")[0]), config, relation)
    return relation


def _graph(text: str, part: int, config: Config, relation: Relation) -> None:
    nodes, edges = dict(_NODE.findall(text)), _EDGE.findall(text)
    members = {name: _members(name, attributes, config) for name, attributes in nodes.items()}
    cliques = _joined({name for name in nodes if _CLIQUE.match(name)}, edges)
    unknown = [name for name, found in members.items() if not found and name not in cliques]
    assert not unknown, f"no pods are {unknown}"
    sources, targets = dict[str, list[str]](), dict[str, list[str]]()
    for one, other, attributes in edges:
        first, second = cliques.get(one, one), cliques.get(other, other)
        if first not in cliques and second not in cliques:
            held = connections(_attribute("labeltooltip", attributes)) & part
            _all_pairs(relation, members[one], members[other], held)
            if "arrowtail=normal" in attributes:
                _all_pairs(relation, members[other], members[one], held)
        elif first != second:
            sources.setdefault(second, []).append(first)
            targets.setdefault(first, []).append(second)
    for clique in sorted(set(cliques.values()), key=lambda name: name.startswith("biclique_")):
        held = connections(_attribute("xlabel", nodes[clique])) & part
        into, out = sources.get(clique, []), targets.get(clique, [])
        if clique.startswith("clique_"):
            into = out = into + out
            members[clique] = [member for end in into for member in members[end]]
        for one in into:
            for other in out:
                if one != other:
                    _all_pairs(relation, members[one], members[other], held)


def _joined(cliques: set[str], edges: list[tuple[str, str, str]]) -> dict[str, str]:
    """One name for all cliques that are joined, as one of namespaces joins those in them; bicliques keep theirs."""
    names = {name: name for name in cliques}
    for one, other, _ in edges:
        if one.startswith("clique_") and other.startswith("clique_"):
            names = {name: names[one] if held == names[other] else held for name, held in names.items()}
    return names


def _all_pairs(relation: Relation, some: list[End], others: list[End], held: int) -> None:
    for one in some:
        for other in others:
            _add(relation, one, other, held)


def _attribute(name: str, attributes: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', attributes)
    return found[1] if found else "All"


def _members(name: str, attributes: str, config: Config) -> list[End]:
    names = re.findall(r"<td>([^<]*)</td>", attributes)
    space, _, rest = name.partition("/")
    if not rest or isinstance(_place(name), tuple):
        return [_place(part) for part in names]
    wanted = {found.partition("(")[0] for found in names}
    return [peer for peer in config.peers if peer.namespace == space and peer.names & wanted]
