"""What a container engine does to a machine's network, taken back: its bridges, its packet filter rules, forwarding.

Only what came meanwhile is taken away again, and by name. Putting back a whole snapshot would also undo what somebody
else did in the same minutes.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_FILTERS = ("iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy")
_SWITCHES = tuple(
    Path("/proc/sys/net") / name
    for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv6/conf/default/forwarding")
)


@dataclass
class _Table:
    """``policies`` of the chains that are built in; ``own`` are the other chains."""

    policies: dict[str, str] = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Network:
    """What was there: texts of ``iptables-save`` by program, names of interfaces, values of switches."""

    filters: Mapping[str, str]
    links: frozenset[str]
    switches: Mapping[Path, str]

    @classmethod
    def now(cls) -> Network:
        return cls(
            {name: _saved(name) for name in _FILTERS if shutil.which(f"{name}-save")},
            frozenset(path.name for path in Path("/sys/class/net").glob("*")),
            {path: path.read_text(encoding="ascii") for path in _SWITCHES if path.exists()},
        )

    def take_back(self) -> None:
        """Make the network as it was, as far as an engine changes it. Safe to repeat."""
        now = Network.now()
        for name in now.links - self.links:
            if name == "docker0" or name.startswith(("br-", "veth")):
                _run("ip", "link", "delete", name)
        for program, before in self.filters.items():
            script = undo(before, now.filters.get(program, ""))
            if script:
                _run(f"{program}-restore", "--noflush", given=script)
        for path, value in self.switches.items():
            if now.switches.get(path) != value:
                path.write_text(value, encoding="ascii")


def undo(before: str, after: str) -> str:
    """For ``iptables-restore --noflush``: delete the rules and chains that came, give chains their policy again."""
    was, script = _tables(before), []
    for name, table in _tables(after).items():
        old = was.get(name, _Table())
        came = [chain for chain in table.own if chain not in old.own]
        left = Counter(old.rules)
        lines = [
            f":{chain} {old.policies.get(chain, 'ACCEPT')} [0:0]"
            for chain, policy in table.policies.items()
            if policy != old.policies.get(chain, "ACCEPT")
        ]
        for rule in table.rules:
            if left[rule]:
                left[rule] -= 1
            elif rule.split()[1] not in came:
                lines.append(f"-D{rule[2:]}")
        lines += [f"-F {chain}" for chain in came] + [f"-X {chain}" for chain in came]
        if lines:
            script += [f"*{name}", *lines, "COMMIT"]
    return "".join(f"{line}\n" for line in script)


def _tables(saved: str) -> dict[str, _Table]:
    tables: dict[str, _Table] = {}
    table = _Table()
    for line in saved.splitlines():
        if line.startswith("*"):
            table = tables.setdefault(line[1:].strip(), _Table())
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            if policy == "-":
                table.own.append(chain)
            else:
                table.policies[chain] = policy
        elif line.startswith("-A "):
            table.rules.append(line)
    return tables


def _saved(program: str) -> str:
    return subprocess.run([f"{program}-save"], capture_output=True, text=True, check=False).stdout


def _run(*command: str, given: str = "") -> None:
    subprocess.run(command, input=given, capture_output=True, text=True, check=False)
